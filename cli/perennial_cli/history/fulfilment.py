"""What happens to a simulated order: payment, cancellation, shipment, return, complaint."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from perennial_cli.history.shop import Body, Item, Kind, rfc3339

CANCELLED_SHARE = 0.03
CANCELLED_BEFORE_PAYMENT_SHARE = 0.4
LATE_SHARE = 0.11
RETURNED_SHARE = 0.07
WHOLE_RETURN_SHARE = 0.35
COMPLAINT_AFTER_LATE_SHARE = 0.40
COMPLAINT_OF_QUALITY_SHARE = 0.025
REPLIED_SHARE = 0.92
RESOLVED_SHARE_OF_REPLIED = 0.85
LOST_AFTER_UNRESOLVED_SHARE = 0.6
"""Of customers whose complaint nobody resolved, how many never order again because of it."""

PROMISE = timedelta(days=4)
"""From payment to the promised delivery."""

COMPLETED_AFTER = timedelta(days=14)
"""From delivery to a completed order, when nothing comes back any more."""

CARRIERS = ("greenparcel", "northpost", "rapide")
RETURN_REASONS = ("damaged", "not_as_described", "changed_mind", "wrong_item")
LATE_TEXTS = (
    "My parcel should have been here days ago and the tracking page does not move.",
    "The promised delivery date has passed and nobody told me anything.",
    "Still waiting. I ordered this as a birthday present and it is late.",
    "Your carrier says tomorrow, every day again.",
)
QUALITY_TEXTS = (
    "The plant arrived with brown leaves and dry roots.",
    "The pot was broken when I opened the box.",
    "It stopped working after two days.",
    "This is not the quality that the picture shows.",
)
REPLIES = (
    "[simulated] We are sorry. We are looking into it and will come back to you today.",
    "[simulated] Thank you for telling us, and sorry for the trouble. A colleague has it in hand.",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The order's further fields up to the end of the history, its complaint items, and whether
    the customer is lost over it."""

    fields: Body
    complaints: list[Item]
    customer_lost: bool


@dataclass(frozen=True, slots=True)
class _Course:
    """The whole course of a paid order, of which the history may hold only the beginning."""

    paid: datetime
    shipped: datetime
    promised: datetime
    delivered: datetime

    @property
    def late(self) -> bool:
        return self.delivered > self.promised


def fulfil(rng: Random, order: Body, placed: datetime, as_of: datetime) -> Outcome:
    """Draw the course of an order with its `order_id`, `customer_id` and `lines`."""
    paid = placed + timedelta(minutes=rng.uniform(1, 10))
    if rng.random() < CANCELLED_SHARE:
        return Outcome(_cancelled_fields(rng, placed, paid, as_of), [], customer_lost=False)
    course = _draw_course(rng, paid)
    fields = _fields(rng, order, course, as_of)
    complaint, unresolved = _complaint(rng, order, course, as_of)
    lost = unresolved and rng.random() < LOST_AFTER_UNRESOLVED_SHARE
    return Outcome(fields, complaint, customer_lost=lost)


def _cancelled_fields(rng: Random, placed: datetime, paid: datetime, as_of: datetime) -> Body:
    unpaid = rng.random() < CANCELLED_BEFORE_PAYMENT_SHARE
    cancelled = paid + timedelta(hours=rng.uniform(0.2, 20))
    fields: Body = {"status": "placed", "placed_at": rfc3339(placed)}
    if not unpaid and paid <= as_of:
        fields |= {"status": "paid", "paid_at": rfc3339(paid)}
    if cancelled <= as_of:
        fields |= {"status": "cancelled", "cancelled_at": rfc3339(cancelled)}
    return fields


def _draw_course(rng: Random, paid: datetime) -> _Course:
    shipped = paid + timedelta(days=rng.uniform(0.3, 1.8))
    promised = paid + PROMISE
    if rng.random() < LATE_SHARE:
        delivered = promised + timedelta(days=rng.uniform(0.5, 8))
    else:
        delivered = shipped + timedelta(days=rng.uniform(0.8, 2.1))
    return _Course(paid, shipped, promised, delivered)


def _fields(rng: Random, order: Body, course: _Course, as_of: datetime) -> Body:
    """The fields of `orders:import` as far as they happened by `as_of`."""
    placed = order["placed_at"]
    shipment: Body = {
        "carrier": rng.choice(CARRIERS),
        "tracking_number": f"{order['order_id']}-1",
        "promised_at": rfc3339(course.promised),
        "shipped_at": rfc3339(course.shipped),
    }
    back = _draw_return(rng, order, course, as_of)
    if course.paid > as_of:
        return {"status": "placed", "placed_at": placed}
    fields: Body = {"status": "paid", "placed_at": placed, "paid_at": rfc3339(course.paid)}
    if course.shipped <= as_of:
        fields |= {"status": "shipped", "shipments": [shipment]}
    if course.delivered <= as_of:
        shipment["delivered_at"] = rfc3339(course.delivered)
        done = course.delivered + COMPLETED_AFTER <= as_of
        fields["status"] = "completed" if done else "delivered"
    if back is not None:
        fields["returns"] = [back]
    return fields


def _draw_return(rng: Random, order: Body, course: _Course, as_of: datetime) -> Body | None:
    if rng.random() >= RETURNED_SHARE:
        return None
    lines = order["lines"]
    if rng.random() >= WHOLE_RETURN_SHARE:
        line = rng.choice(lines)
        lines = [{"sku": line["sku"], "quantity": rng.randint(1, line["quantity"])}]
    requested = course.delivered + timedelta(days=rng.uniform(0.5, 10))
    refunded = requested + timedelta(days=rng.uniform(3, 6))
    back: Body = {
        "kind": "refund",
        "reason": rng.choice(RETURN_REASONS),
        "lines": [{"sku": line["sku"], "quantity": line["quantity"]} for line in lines],
        "requested_at": rfc3339(requested),
    }
    if refunded <= as_of:
        back["refunded_at"] = rfc3339(refunded)
    return back if requested <= as_of else None


def _complaint(
    rng: Random, order: Body, course: _Course, as_of: datetime
) -> tuple[list[Item], bool]:
    """The complaint, if there is one, and whether it stays unresolved for good."""
    complains_late = course.late and rng.random() < COMPLAINT_AFTER_LATE_SHARE
    if not complains_late and rng.random() >= COMPLAINT_OF_QUALITY_SHARE:
        return [], False
    body: Body = {
        "complaint_id": f"{order['order_id']}-x",
        "customer_id": order["customer_id"],
        "order_id": order["order_id"],
        "channel": rng.choice(("email", "web", "phone")),
    }
    if complains_late:
        opened = course.promised + timedelta(days=rng.uniform(0.2, 3))
        body |= {"category": "delivery", "text": f"[simulated] {rng.choice(LATE_TEXTS)}"}
    else:
        opened = course.delivered + timedelta(days=rng.uniform(0.1, 4))
        sku = rng.choice(order["lines"])["sku"]
        text = f"[simulated] {rng.choice(QUALITY_TEXTS)}"
        body |= {"category": "quality", "sku": sku, "text": text}
    return _handled(rng, body, opened, as_of)


def _handled(rng: Random, body: Body, opened: datetime, as_of: datetime) -> tuple[list[Item], bool]:
    """The complaint with its answer and its end, as far as they had come by `as_of`."""
    answered = opened + timedelta(hours=rng.uniform(1, 20))
    resolved = answered + timedelta(hours=rng.uniform(1, 72))
    gets_answer = rng.random() < REPLIED_SHARE
    gets_resolved = gets_answer and rng.random() < RESOLVED_SHARE_OF_REPLIED
    answer = rng.choice(REPLIES)
    body["opened_at"] = rfc3339(opened)
    if gets_answer and answered <= as_of:
        body |= {"answered_at": rfc3339(answered), "answer": answer}
    if gets_resolved and resolved <= as_of:
        body["resolved_at"] = rfc3339(resolved)
    item = Item(Kind.COMPLAINT, opened, body["customer_id"], body["complaint_id"], body)
    return [item] if opened <= as_of else [], not gets_resolved
