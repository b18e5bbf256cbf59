"""An independent count over the Online Retail file, to hold the services' totals against.

It shares the definitions of `online_retail` and none of its code. Where that goes through the file
invoice by invoice in pence, this tells the story of each (customer, stock code, price) on its own in
Decimal pounds, and puts orders together at the end.
"""

import csv
import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from perennial_cli.history.shop import Totals

LONDON = ZoneInfo("Europe/London")
TIME = "%Y-%m-%d %H:%M:%S"

Group = tuple[str, str, Decimal]
"""Customer, stock code, price in pounds."""

Rows = dict[Group, list[tuple[datetime, str, int]]]
"""Time, invoice and quantity of each line of a group, in the order of the file."""

Moved = dict[tuple[str, Group], int]
"""Quantity by invoice and group."""

TakenBack = dict[tuple[str, str, Group], int]
"""Quantity by order, cancellation invoice and group."""


def independent_count(path: Path) -> Totals:
    """Customers, orders, cancelled, returns, and gross and refunded money in pence."""
    rows = _known_rows(path)
    placed = _placed(rows)
    sold = _sold(rows)
    taken_back = _taken_back(rows, sold, placed)
    cancelled = _cancelled(placed, _credit_times(rows), sold, taken_back)
    pairs = {(order, credit) for order, credit, _ in taken_back}
    kept = [n * group[2] for (order, group), n in sold.items() if order not in cancelled]
    back = [n * group[2] for (order, _, group), n in taken_back.items() if order not in cancelled]
    return Totals(
        orders=len(placed.keys() - cancelled),
        cancelled=len(cancelled),
        customers=len({group[0] for _, group in sold}),
        returns=sum(order not in cancelled for order, _ in pairs),
        gross=_pence(sum(kept, Decimal(0))),
        refunded=_pence(sum(back, Decimal(0))),
    )


def _cancelled(
    placed: dict[str, datetime], credited: dict[str, datetime], sold: Moved, taken_back: TakenBack
) -> set[str]:
    """Orders of which one cancellation invoice took back everything within 24 hours."""
    bought: Counter[str] = Counter()
    for (order, _), quantity in sold.items():
        bought[order] += quantity
    returned: Counter[tuple[str, str]] = Counter()
    for (order, credit, _), quantity in taken_back.items():
        returned[order, credit] += quantity
    return {
        order
        for (order, credit), quantity in returned.items()
        if quantity == bought[order] and credited[credit] - placed[order] <= timedelta(hours=24)
    }


def _known_rows(path: Path) -> Rows:
    """Lines with a customer, a positive price of whole pence, and the sign that the invoice wants."""
    rows: Rows = defaultdict(list)
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
    header, *lines = csv.reader(text.splitlines())
    place = {name: header.index(name) for name in header}
    for line in lines:
        customer = line[place["CustomerID"]].split(".")[0]
        price = Decimal(line[place["UnitPrice"]])
        quantity = int(line[place["Quantity"]])
        invoice = line[place["InvoiceNo"]]
        whole_pence = price == price.quantize(Decimal("0.01"))
        if customer and price > 0 and whole_pence and (quantity < 0) == (invoice[0] == "C"):
            local = datetime.strptime(line[place["InvoiceDate"]], TIME).replace(tzinfo=LONDON)
            # Differences of times in one zone are those of its clocks, an hour off in March.
            at = local.astimezone(UTC)
            group = (customer, line[place["StockCode"]].upper(), price)
            rows[group].append((at, invoice, quantity))
    return rows


def _placed(rows: Rows) -> dict[str, datetime]:
    """When each order was placed: at the earliest of its lines."""
    placed: dict[str, datetime] = {}
    for lines in rows.values():
        for at, invoice, quantity in lines:
            if quantity > 0:
                placed[invoice] = min(at, placed.get(invoice, at))
    return placed


def _credit_times(rows: Rows) -> dict[str, datetime]:
    return {
        invoice: at for lines in rows.values() for at, invoice, quantity in lines if quantity < 0
    }


def _sold(rows: Rows) -> Moved:
    sold: Moved = defaultdict(int)
    for group, lines in rows.items():
        for _, invoice, quantity in lines:
            if quantity > 0:
                sold[invoice, group] += quantity
    return sold


def _taken_back(rows: Rows, sold: Moved, placed: dict[str, datetime]) -> TakenBack:
    """What each cancellation invoice took back of which order, each group by itself."""
    prices = defaultdict(set)
    for invoice, (_, code, price) in sold:
        prices[invoice, code].add(price)
    taken: TakenBack = defaultdict(int)
    for group, lines in rows.items():
        holds = {
            invoice: sold[invoice, group]
            for _, invoice, quantity in lines
            if quantity > 0 and len(prices[invoice, group[1]]) == 1
        }
        backwards = [line for line in lines if line[2] < 0]
        for at, credit, quantity in sorted(backwards, key=lambda line: line[0]):
            possible = [
                (holds[order] == sold[order, group] == -quantity, placed[order], place, order)
                for place, order in enumerate(holds)
                if placed[order] <= at and holds[order] + quantity >= 0
            ]
            if possible:
                *_, order = max(possible)
                holds[order] += quantity
                taken[order, credit, group] -= quantity
    return taken


def _pence(pounds: Decimal) -> int:
    return int((pounds * 100).to_integral_exact())
