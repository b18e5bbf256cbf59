"""Support for tests: orders and returns in a few words."""

from typing import Any

from perennial_events import Event
from perennial_events.catalogue import (
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    ReturnLine,
    ReturnReceived,
)


def bought(order_id: str, customer_id: str, total: int, cost: int | None = None) -> list[Event]:
    """A paid order of one mug, at this total."""
    line = OrderLine(sku="mug", quantity=1, unit_price=total, category="Kitchen")
    return placed_and_paid(order_id, customer_id, [line], total, cost)


def placed_and_paid(
    order_id: str, customer_id: str, lines: list[OrderLine], total: int, cost: int | None = None
) -> list[Event]:
    whose: dict[str, Any] = {"order_id": order_id, "customer_id": customer_id, "currency": "EUR"}
    return [
        OrderPlaced(
            **whose, lines=lines, items=total, discount=0, shipping=0, total=total,
            base_total=total, base_cost=cost,
        ),
        OrderPaid(**whose, amount=total, base_amount=total),
    ]  # fmt: skip


def sent_back(
    order_id: str, customer_id: str, amount: int, lines: list[ReturnLine], return_id: str = "r-1"
) -> list[Event]:
    """Goods came back and were paid back."""
    whose: dict[str, Any] = {
        "return_id": return_id, "order_id": order_id, "customer_id": customer_id, "lines": lines,
    }  # fmt: skip
    return [
        ReturnReceived(**whose, kind="refund"),
        OrderRefunded(**whose, currency="EUR", amount=amount, base_amount=amount),
    ]
