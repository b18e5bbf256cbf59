"""How much goes back for returned goods, which way, and who has to agree."""

from datetime import datetime, timedelta
from typing import Literal

from orders_service.transitions import next_state

Status = Literal["requested", "approved", "rejected", "received", "refunded"]
Action = Literal["approve", "reject", "receive", "refund"]

TRANSITIONS: dict[Status, dict[Action, Status]] = {
    "requested": {"approve": "approved", "reject": "rejected"},
    "approved": {"receive": "received", "refund": "refunded"},
    "received": {"refund": "refunded"},
    "rejected": {},
    "refunded": {},
}


WITHOUT_REFUND: dict[Status, dict[Action, Status]] = {
    status: {action: after for action, after in actions.items() if action != "refund"}
    for status, actions in TRANSITIONS.items()
}
"""For an exchange or a repair, which end when the goods are back."""


def goods_are_out(kind: str, status: Status) -> bool:
    """Whether the customer has parted with these goods, so that they cannot be returned once more.

    What was exchanged or repaired is with the customer again.
    """
    return status != "rejected" and (kind == "refund" or status != "received")


def next_status(return_id: str, kind: str, status: Status, action: Action) -> Status:
    """The status after `action`; only a return of the kind `refund` can be refunded."""
    table = TRANSITIONS if kind == "refund" else WITHOUT_REFUND
    return next_state(table, f"Return {return_id}", status, action)


def needs_no_approval(delivered_at: datetime | None, requested_at: datetime, days: int) -> bool:
    """Whether the return falls into the no-reason window after delivery."""
    return delivered_at is not None and requested_at <= delivered_at + timedelta(days=days)


def share(amount: int, part: int, whole: int) -> int:
    """`amount * part / whole`, rounded half up, in integers. 0 of an empty whole."""
    return (2 * amount * part + whole) // (2 * whole) if whole else 0


def refund(items: int, discount: int, returned_before: int, returned_now: int) -> int:
    """What the customer gets back for goods worth `returned_now` at list price.

    The discount is spread over the goods by value. Rounding follows the running sum, so that any
    series of partial returns of the whole order adds up to exactly what the goods had cost.
    """
    paid_for_goods = items - discount
    return share(paid_for_goods, returned_before + returned_now, items) - share(
        paid_for_goods, returned_before, items
    )


def by_means(total: int, gift_cards: int, returned_before: int, amount: int) -> tuple[int, int]:
    """How much of a refund goes back as money, and how much to the gift cards.

    Each gets its share: an order paid to a third with gift cards gives them a third of each refund. So
    neither does credit turn into cash nor cash into credit. Rounding follows the running sum.
    """
    to_cards = share(gift_cards, returned_before + amount, total) - share(
        gift_cards, returned_before, total
    )
    return amount - to_cards, to_cards
