"""Which earlier order a line of a cancellation invoice takes back.

The file does not say. A line reverses the order of the same customer that has the same stock code
at the same price, was placed before, and still holds at least that quantity: the latest of those
that sold exactly this quantity and have all of it left, else the latest (of two in the same minute
the one further down the file). It is taken back whole from one order or not at all. An order that
has the stock code at two prices is passed over, since a return names no price.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from perennial_cli.history.online_retail_file import Line, Order

CANCELLATION_WINDOW = timedelta(days=1)
"""A whole order taken back sooner was cancelled, later it was returned. The file has no dispatch
times; any window from one to three days gives the same on it."""

NO_ORDER = "cancellation: no earlier order has it"
OTHER_PRICE = "cancellation: earlier orders have it at another price"
TOO_MANY = "cancellation: no earlier order still holds as many"


@dataclass(slots=True)
class Return:
    """Goods of one order that one cancellation invoice takes back."""

    at: datetime
    quantities: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Reversals:
    """`returns`: order → cancellation invoice → return. `cancelled`: order → when."""

    returns: dict[str, dict[str, Return]] = field(default_factory=dict)
    cancelled: dict[str, datetime] = field(default_factory=dict)
    matched: list[Line] = field(default_factory=list)
    unmatched: list[tuple[Line, str]] = field(default_factory=list)


@dataclass(slots=True)
class _Sale:
    """A stock code in one order, sold at one price."""

    invoice: str
    at: datetime
    pence: int
    sold: int
    left: int


Sales = dict[tuple[str, str], list[_Sale]]
"""(customer, sku) → the sales, earliest first."""


def match(orders: Mapping[str, Order], cancellations: Iterable[Line]) -> Reversals:
    """Find the order of each cancellation line, in order of their time."""
    sales = _sales(orders.values())
    reversals = Reversals()
    for line in sorted(cancellations, key=lambda line: line.at):
        sale = _find(sales, line)
        if sale is None:
            reversals.unmatched.append((line, _why_unmatched(sales, line)))
            continue
        sale.left += line.quantity
        returns = reversals.returns.setdefault(sale.invoice, {})
        back = returns.setdefault(line.invoice, Return(line.at))
        back.quantities[line.sku] -= line.quantity
        reversals.matched.append(line)
    _tell_cancelled(orders, reversals)
    return reversals


def _sales(orders: Iterable[Order]) -> Sales:
    sales: Sales = {}
    for order in sorted(orders, key=lambda order: order.at):
        prices = Counter(sku for sku, _ in order.lines)
        for (sku, pence), quantity in order.lines.items():
            if prices[sku] == 1:
                sale = _Sale(order.invoice, order.at, pence, quantity, quantity)
                sales.setdefault((order.customer, sku), []).append(sale)
    return sales


def _find(sales: Sales, line: Line) -> _Sale | None:
    wanted = -line.quantity
    fitting = [
        sale
        for sale in reversed(_earlier(sales, line))
        if sale.pence == line.pence and sale.left >= wanted
    ]
    exact = (sale for sale in fitting if sale.sold == sale.left == wanted)
    return next(exact, fitting[0] if fitting else None)


def _earlier(sales: Sales, line: Line) -> list[_Sale]:
    return [sale for sale in sales.get((line.customer, line.sku), ()) if sale.at <= line.at]


def _why_unmatched(sales: Sales, line: Line) -> str:
    earlier = _earlier(sales, line)
    if not earlier:
        return NO_ORDER
    return TOO_MANY if any(sale.pence == line.pence for sale in earlier) else OTHER_PRICE


def _tell_cancelled(orders: Mapping[str, Order], reversals: Reversals) -> None:
    """Take out of the returns those that undid a whole order at once and at once."""
    for invoice, returns in list(reversals.returns.items()):
        order = orders[invoice]
        back = next(iter(returns.values()))
        sold: Counter[str] = Counter()
        for (sku, _), quantity in order.lines.items():
            sold[sku] += quantity
        whole = len(returns) == 1 and back.quantities == sold
        if whole and back.at - order.at <= CANCELLATION_WINDOW:
            reversals.cancelled[invoice] = back.at
            del reversals.returns[invoice]
