"""What may happen to an order, and what it adds up to. Amounts are minor units of its currency."""

from collections.abc import Iterable
from typing import Literal, NamedTuple, get_args

from orders_service.transitions import next_state

Status = Literal["placed", "paid", "shipped", "delivered", "completed", "cancelled"]
Action = Literal["pay", "cancel", "ship", "deliver", "lose", "complete"]

STATUSES: tuple[Status, ...] = get_args(Status)

TRANSITIONS: dict[Status, dict[Action, Status]] = {
    "placed": {"pay": "paid", "cancel": "cancelled"},
    "paid": {"ship": "shipped", "cancel": "cancelled", "complete": "completed"},
    "shipped": {"ship": "shipped", "deliver": "delivered", "lose": "paid"},
    "delivered": {"complete": "completed"},
    "completed": {},
    "cancelled": {},
}

RETURNABLE: frozenset[Status] = frozenset({"delivered", "completed"})


def next_status(order_id: str, status: Status, action: Action) -> Status:
    """The status after `action`. Raises `IllegalTransition`, which names what is allowed."""
    return next_state(TRANSITIONS, f"Order {order_id}", status, action)


class Line(NamedTuple):
    """A line's part in the sums."""

    quantity: int
    unit_price: int


class Totals(NamedTuple):
    """`items - discount + shipping - gift_cards = due`; `paid` and `refunded` are of what was due.

    What goes back to gift cards is not in `refunded`: no refund is more than what was paid.
    """

    items: int
    discount: int
    shipping: int
    gift_cards: int
    due: int
    paid: int
    refunded: int


def items_total(lines: Iterable[Line]) -> int:
    return sum(line.quantity * line.unit_price for line in lines)


def totals(
    items: int, discount: int, shipping: int, gift_cards: int, paid: int, refunded: int
) -> Totals:
    due = items - discount + shipping - gift_cards
    return Totals(items, discount, shipping, gift_cards, due, paid, refunded)
