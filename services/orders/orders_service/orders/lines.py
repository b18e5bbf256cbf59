"""The lines of an order or of a quote: how callers write them, how they are kept, and how they add up."""

from collections.abc import Mapping, Sequence
from typing import Any

from orders_service.orders import rules
from perennial_events.values import CatalogueText
from perennial_http import Answer, Body, Id, Money, Quantity
from perennial_http.types import MAX_AMOUNT


class LineBody(Body):
    sku: Id
    quantity: Quantity
    unit_price: Money
    name: CatalogueText | None = None
    category: CatalogueText | None = None


def items_of(lines: Sequence[LineBody]) -> int:
    return rules.items_total(rules.Line(line.quantity, line.unit_price.amount) for line in lines)


def check_adds_up(lines: Sequence[LineBody], discount: Money | None, shipping: Money | None) -> int:
    """What it comes to. Raises `ValueError` for amounts that do not go together."""
    amounts = [line.unit_price for line in lines]
    amounts += [amount for amount in (discount, shipping) if amount is not None]
    if len({amount.currency for amount in amounts}) > 1:
        raise ValueError("all amounts of an order must be in one currency")
    items = items_of(lines)
    if amount_of(discount) > items:
        raise ValueError("the discount must not be more than the items come to")
    if items + amount_of(shipping) > MAX_AMOUNT:
        raise ValueError(f"must not come to more than {MAX_AMOUNT}")
    return items - amount_of(discount) + amount_of(shipping)


def line_columns(lines: Sequence[LineBody]) -> list[dict[str, Any]]:
    """Lines as they are kept."""
    return [
        {
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price": line.unit_price.amount,
            "name": line.name,
            "category": line.category,
        }
        for line in lines
    ]


def amount_of(money: Money | None) -> int:
    return money.amount if money is not None else 0


class LineAnswer(Answer):
    sku: Id
    quantity: int
    unit_price: Money
    name: str | None
    category: str | None


def render_lines(lines: Sequence[Mapping[str, Any]], currency: str) -> list[LineAnswer]:
    return [
        LineAnswer(
            sku=line["sku"],
            quantity=line["quantity"],
            unit_price=Money(amount=line["unit_price"], currency=currency),
            name=line.get("name"),
            category=line.get("category"),
        )
        for line in lines
    ]
