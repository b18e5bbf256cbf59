"""How much goes back for returned goods, and who has to agree."""

from datetime import datetime, timedelta
from typing import Literal

from orders_service.errors import IllegalTransition

Status = Literal["requested", "approved", "rejected", "received", "refunded"]
Action = Literal["approve", "reject", "receive", "refund"]

TRANSITIONS: dict[Status, dict[Action, Status]] = {
    "requested": {"approve": "approved", "reject": "rejected"},
    "approved": {"receive": "received", "refund": "refunded"},
    "received": {"refund": "refunded"},
    "rejected": {},
    "refunded": {},
}


def next_status(return_id: str, kind: str, status: Status, action: Action) -> Status:
    """The status after `action`; only a return of the kind `refund` can be refunded."""
    allowed = {
        name: after
        for name, after in TRANSITIONS[status].items()
        if name != "refund" or kind == "refund"
    }
    if action not in allowed:
        raise IllegalTransition(f"Return {return_id}", action, status, allowed)
    return allowed[action]


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
