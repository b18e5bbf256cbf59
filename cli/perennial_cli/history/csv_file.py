"""A plain CSV of one's own shop, one order line a row, gzip or not.

    customer_id,order_id,placed_at,sku,quantity,unit_price[,currency,name,category,status]

- `customer_id`, `order_id`, `sku`: 1 to 64 of `A-Z a-z 0-9 . _ : -`.
- `placed_at`: RFC 3339 (`2026-03-01T09:30:00Z`) or a date; without an offset it is UTC.
- `quantity`: a whole number above 0. `unit_price`: major units with a point (`19.99`), 0 or more.
- `currency`: ISO 4217, EUR where left out. `name`, `category`: of the product; the last row counts.
- `status`: placed, paid, shipped, delivered, completed (where left out) or cancelled. All but
  `placed` were paid when placed; a cancelled order was cancelled then.

The rows of one order agree in customer, time, currency and status. Columns may stand in any order;
an unknown one is refused, so that a misspelling is not taken for a column left out.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from perennial_cli.history.currencies import decimals_of
from perennial_cli.history.errors import MOST_PROBLEMS_SHOWN, HistoryError
from perennial_cli.history.shop import Body, History, Item, Kind, in_order, money, rfc3339
from perennial_cli.history.text_file import open_text

REQUIRED = ("customer_id", "order_id", "placed_at", "sku", "quantity", "unit_price")
OPTIONAL = ("currency", "name", "category", "status")
STATUSES = ("placed", "paid", "shipped", "delivered", "completed", "cancelled")
DEFAULT_CURRENCY = "EUR"
MAX_QUANTITY = 1_000_000
MAX_PRICE = 10**12
UNCATEGORISED = "uncategorised"

_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Line:
    """A row whose every field is good."""

    customer_id: str
    order_id: str
    placed_at: datetime
    sku: str
    quantity: int
    unit_price: Decimal
    currency: str
    name: str
    category: str
    status: str

    @property
    def minor_units(self) -> int:
        """The price in minor units; raises `ValueError` where the currency has fewer decimals."""
        amount = self.unit_price.scaleb(decimals_of(self.currency))
        if amount % 1:
            raise ValueError
        return int(amount)


@dataclass(slots=True)
class _Order:
    first: _Line
    lines: dict[tuple[str, int], int] = field(default_factory=dict)


def _id(text: str) -> str:
    if not _ID.fullmatch(text):
        raise ValueError
    return text


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _quantity(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MAX_QUANTITY:
        raise ValueError
    return int(text)


def _price(text: str) -> Decimal:
    price = Decimal(text)
    if not price.is_finite() or not 0 <= price <= MAX_PRICE:
        raise ValueError
    return price


def _currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text or DEFAULT_CURRENCY):
        raise ValueError
    return text or DEFAULT_CURRENCY


def _text(text: str) -> str:
    if len(text) > 200 or "\0" in text:
        raise ValueError
    return text


def _status(text: str) -> str:
    if (text or "completed") not in STATUSES:
        raise ValueError
    return text or "completed"


_AN_ID = (_id, "1 to 64 of A-Z a-z 0-9 . _ : -")
_A_TEXT = (_text, "a text of up to 200 characters")
_FORM: dict[str, tuple[Callable[[str], Any], str]] = {
    "customer_id": _AN_ID,
    "order_id": _AN_ID,
    "placed_at": (_time, "a time like 2026-03-01T09:30:00Z"),
    "sku": _AN_ID,
    "quantity": (_quantity, f"a whole number from 1 to {MAX_QUANTITY}"),
    "unit_price": (_price, "an amount like 19.99"),
    "currency": (_currency, "an ISO 4217 code such as EUR"),
    "name": _A_TEXT,
    "category": _A_TEXT,
    "status": (_status, f"one of {', '.join(STATUSES)}"),
}
"""How each column is read, and what it should be when it cannot be."""


def load(path: Path) -> History:
    """The history in the file. Raises `HistoryError` with every fault, by line and column."""
    orders: dict[str, _Order] = {}
    products: dict[str, Body] = {}
    problems: list[str] = []
    with open_text(path) as file:
        reader = csv.DictReader(file)
        _check_header(path, reader.fieldnames or ())
        for fields in reader:
            at = f"{path.name}: line {reader.line_num}"
            line, faults = _read(fields)
            if line is not None:
                faults = _add(line, orders)
                products[line.sku] = _product(line, products.get(line.sku))
            problems += [f"{at}, {fault}" for fault in faults]
            if len(problems) > 10 * MOST_PROBLEMS_SHOWN:
                break
    if problems:
        raise HistoryError(problems)
    if not orders:
        raise HistoryError([f"{path.name}: no rows below the header"])
    currency = next(iter(orders.values())).first.currency
    return History(path.name, currency, in_order(_items(orders, products)))


def currency_of(path: Path) -> str:
    """The currency of the first row, without reading the rest."""
    with open_text(path) as file:
        first = next(csv.DictReader(file), {})
    return (first.get("currency") or "").strip() or DEFAULT_CURRENCY


def is_own_form(columns: Iterable[str]) -> bool:
    """Whether a header is meant to be of this form (it may still lack a column)."""
    return {"customer_id", "order_id"} & set(columns) != set()


def _check_header(path: Path, columns: Iterable[str]) -> None:
    found = list(columns)
    missing = [column for column in REQUIRED if column not in found]
    unknown = [column for column in found if column not in REQUIRED + OPTIONAL]
    problems = [f"{path.name}: line 1: column {column} is missing" for column in missing]
    problems += [
        f'{path.name}: line 1: "{column}" is not a column of this form (it has '
        f"{', '.join(REQUIRED)}, and if wanted {', '.join(OPTIONAL)})"
        for column in unknown
    ]
    if problems:
        raise HistoryError(problems)


def _read(fields: dict[str, Any]) -> tuple[_Line | None, list[str]]:
    """The row, or what is wrong with which column."""
    if None in fields:
        return None, ["after the last column: more fields than the header has columns"]
    values: dict[str, Any] = {}
    faults: list[str] = []
    for column, (parse, expected) in _FORM.items():
        text = (fields.get(column) or "").strip()
        try:
            values[column] = parse(text)
        except (ValueError, InvalidOperation, OverflowError):
            faults.append(f'column {column}: "{text}" is not {expected}')
    return (None, faults) if faults else (_Line(**values), [])


def _add(line: _Line, orders: dict[str, _Order]) -> list[str]:
    """Put the row into its order; what is wrong with it there."""
    order = orders.setdefault(line.order_id, _Order(line))
    faults = [
        f"column {column}: differs from an earlier row of order {line.order_id}"
        for column in ("customer_id", "placed_at", "currency", "status")
        if getattr(order.first, column) != getattr(line, column)
    ]
    try:
        key = (line.sku, line.minor_units)
        order.lines[key] = order.lines.get(key, 0) + line.quantity
    except ValueError:
        price = f'"{line.unit_price}" has more decimals than {line.currency}'
        faults.append(f"column unit_price: {price}")
    return faults


def _product(line: _Line, before: Body | None) -> Body:
    """The product as the rows so far describe it; its price is the last one that fits."""
    body = before or {"sku": line.sku, "name": line.sku, "category": UNCATEGORISED}
    amount = line.unit_price.scaleb(decimals_of(line.currency))
    return body | {
        "name": line.name or body["name"],
        "category": line.category or body["category"],
        "price": money(int(amount), line.currency),
        "available": True,
    }


def _items(orders: dict[str, _Order], products: dict[str, Body]) -> Iterator[Item]:
    opened = min(order.first.placed_at for order in orders.values())
    for sku, body in products.items():
        yield Item(Kind.PRODUCT, opened, sku, sku, body)
    known: set[str] = set()
    for order_id, order in sorted(orders.items(), key=lambda entry: entry[1].first.placed_at):
        customer, at = order.first.customer_id, order.first.placed_at
        if customer not in known:
            known.add(customer)
            body = {"customer_id": customer, "kind": "person"}
            yield Item(Kind.CUSTOMER, at, customer, customer, body)
        yield Item(Kind.ORDER, at, customer, order_id, _order_body(order_id, order))


def _order_body(order_id: str, order: _Order) -> Body:
    first = order.first
    at = rfc3339(first.placed_at)
    body: Body = {
        "order_id": order_id,
        "customer_id": first.customer_id,
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": money(amount, first.currency)}
            for (sku, amount), quantity in order.lines.items()
        ],
        "placed_at": at,
        "status": first.status,
    }
    if first.status != "placed":
        body["paid_at"] = at
    if first.status == "cancelled":
        body["cancelled_at"] = at
    return body
