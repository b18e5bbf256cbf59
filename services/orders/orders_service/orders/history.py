"""Orders of the past: one imported order goes through the same transitions as a live one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.gift_cards import service as gift_cards
from orders_service.orders import rules
from orders_service.orders.api import OrderBody
from orders_service.orders.models import Order
from orders_service.orders.service import complete_lines, known_orders, surroundings
from orders_service.rates.rules import Rate
from orders_service.returns.models import Return
from orders_service.returns.service import check_returnable, refunded_goods
from orders_service.shipments.models import Scan, Shipment
from perennial_events import Event, emit
from perennial_events.values import Code
from perennial_http import Body, FieldError, Id, Outcome, Problem, Quantity, Time


class PastShipment(Body):
    carrier: Code
    tracking_number: Annotated[str, Field(min_length=1, max_length=64)]
    promised_at: Time
    shipped_at: Time
    delivered_at: Time | None = None


class PastReturnLine(Body):
    sku: Id
    quantity: Quantity


class PastReturn(Body):
    kind: Literal["refund", "exchange", "repair"]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    lines: Annotated[list[PastReturnLine], Field(min_length=1, max_length=500)]
    requested_at: Time
    refunded_at: Time | None = None


class PastOrder(OrderBody):
    """A line of `orders:import`: the body of a new order and, as far as it happened, what came after."""

    order_id: Id
    placed_at: Time
    status: rules.Status = "placed"
    paid_at: Time | None = None
    cancelled_at: Time | None = None
    shipments: Annotated[list[PastShipment], Field(max_length=50)] = Field(default_factory=list)
    returns: Annotated[list[PastReturn], Field(max_length=50)] = Field(default_factory=list)

    def reached(self, status: rules.Status) -> bool:
        """Whether the order came as far as `status`, by what it says or by what it shows."""
        shown = {
            "paid": self.paid_at is not None,
            "shipped": bool(self.shipments),
            "delivered": bool(self.shipments) and all(s.delivered_at for s in self.shipments),
        }
        way = ("paid", "shipped", "delivered", "completed")
        later = way[way.index(status) :]
        return self.status in later or any(shown.get(each, False) for each in later)

    @property
    def cancelled(self) -> bool:
        return self.status == "cancelled" or self.cancelled_at is not None


async def import_orders(
    session: AsyncSession, lines: Sequence[tuple[int, PastOrder]], base: str, now: datetime
) -> Outcome:
    """Bring a chunk of past orders in, set-wise. One that is known already stays as it is."""
    known = await known_orders(session, [line.order_id for _, line in lines])
    new: dict[str, tuple[int, PastOrder]] = {}
    for number, past in lines:
        if past.order_id not in known:
            new.setdefault(past.order_id, (number, past))
    orders = {number: past.order(now) for number, past in new.values()}
    around = await surroundings(session, orders.values(), base, now)
    replays: list[Replay] = []
    refused: dict[int, Sequence[FieldError]] = {}
    for number, past in new.values():
        replay = Replay(past, orders[number], now)
        try:
            replay.run(complete_lines(orders[number], around))
        except Problem as problem:
            refused[number] = problem.errors or [{"pointer": "", "detail": problem.detail}]
        else:
            replays.append(replay)
    session.add_all(replay.order for replay in replays)
    await session.flush()
    for replay in replays:
        session.add_all([*replay.shipments, *replay.returns])
        for at, events in replay.told:
            emit(session, *events, at=at, imported=True)
    uses = [use for replay in replays for use in replay.uses]
    await gift_cards.redeem(session, uses, imported=True)
    await session.flush()
    session.add_all(scan for replay in replays for scan in replay.scans)
    back = [refund for replay in replays for refund in replay.to_gift_cards]
    await gift_cards.refund(session, back, imported=True)
    return Outcome(len(replays), len(lines) - len(new), refused)


class Replay:
    """One past order on its way through the transitions; raises what a live one would raise."""

    def __init__(self, past: PastOrder, order: Order, now: datetime) -> None:
        self.order = order
        self.shipments: list[Shipment] = []
        self.scans: list[Scan] = []
        self.returns: list[Return] = []
        self.uses = past.uses(order, past.placed_at)
        self.to_gift_cards: list[gift_cards.Refund] = []
        self.told: list[tuple[datetime, list[Event]]] = []
        self._past = past
        self._now = now

    def run(self, rate: Rate | None) -> None:
        past, order = self._past, self.order
        self._tell(order.placed_at, order.place(rate))
        paid_at = past.paid_at or past.placed_at
        if past.reached("paid"):
            self._tell(paid_at, order.pay(paid_at))
        if past.cancelled:
            at = past.cancelled_at or paid_at
            self._tell(at, order.cancel(at))
            self._give_back(order.gift_cards_refunded, at)
        for shipment in sorted(past.shipments, key=lambda each: each.shipped_at):
            self._ship(shipment)
        if past.reached("delivered"):
            self._deliver(paid_at)
        if past.status == "completed":
            at = order.delivered_at or paid_at
            self._tell(at, order.complete(at))
        for number, returned in enumerate(sorted(past.returns, key=lambda each: each.requested_at)):
            self._return(number, returned)

    def _ship(self, past: PastShipment) -> None:
        order = self.order
        order.ship()
        shipment = Shipment(
            shipment_id=_derived(order.order_id, "shipment", len(self.shipments)),
            order_id=order.order_id,
            customer_id=order.customer_id,
            carrier=past.carrier,
            tracking_number=past.tracking_number,
            # History does not say what was in which parcel: the first stands for all of it.
            lines=[] if self.shipments else _lines(order.quantities()),
            promised_at=past.promised_at,
            shipped_at=past.shipped_at,
            status="shipped",
        )
        self.shipments.append(shipment)
        self._tell(past.shipped_at, shipment.ship())
        if (past.delivered_at or self._now) > past.promised_at:
            self._tell(past.promised_at, shipment.delay(past.promised_at))
        if past.delivered_at is not None:
            at = past.delivered_at
            self.scans.append(Scan(shipment_id=shipment.shipment_id, at=at, status="delivered"))
            self._tell(at, shipment.scan("delivered", at))

    def _deliver(self, paid_at: datetime) -> None:
        if not self.shipments:
            if self.order.status == "paid" and self._past.status == "delivered":
                self.order.ship()
                self._tell(paid_at, self.order.deliver(paid_at, None, None, late=False))
            return
        last = max(self.shipments, key=lambda each: each.delivered_at or each.shipped_at)
        at = last.delivered_at or last.shipped_at
        late = any(each.late for each in self.shipments)
        self._tell(at, self.order.deliver(at, last.shipment_id, last.promised_at, late=late))

    def _return(self, number: int, past: PastReturn) -> None:
        order = self.order
        wanted = Return(
            return_id=_derived(order.order_id, "return", number),
            order_id=order.order_id,
            customer_id=order.customer_id,
            kind=past.kind,
            reason=past.reason,
            lines=[line.model_dump() for line in past.lines],
            status="requested",
            amount=0,
            to_gift_cards=0,
            requested_at=past.requested_at,
        )
        check_returnable(order, wanted, self.returns)
        before = refunded_goods(self.returns)
        self.returns.append(wanted)
        self._tell(past.requested_at, wanted.request())
        wanted.approve(past.requested_at)
        if past.refunded_at is not None:
            self._tell(past.refunded_at, wanted.receive(past.refunded_at))
            self._tell(past.refunded_at, wanted.refund(order, before, past.refunded_at))
            self._give_back(wanted.to_gift_cards, past.refunded_at, wanted.return_id)

    def _give_back(self, amount: int, at: datetime, return_id: str | None = None) -> None:
        order = self.order
        self.to_gift_cards.append(
            gift_cards.Refund(order.order_id, order.customer_id, amount, at, return_id)
        )

    def _tell(self, at: datetime, events: list[Event]) -> None:
        self.told.append((at, events))


def _derived(order_id: str, what: str, number: int) -> str:
    """An id that a second import of the same order makes again."""
    return str(uuid5(NAMESPACE_URL, f"perennial:{order_id}/{what}/{number}"))


def _lines(quantities: dict[str, int]) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]
