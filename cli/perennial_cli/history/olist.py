"""The Olist data set (CC BY-NC-SA 4.0) as a shop's history: a Brazilian marketplace, 2016-10 to 2018-09.

It is a folder of CSV files. What they become:

- **Customer**: `customer_unique_id`, the person (`customer_id` there is a new one for each order), with
  the first five digits of the postcode.
- **Order**: an order with items; equal items (product and price) are one line, and freight is shipping.
  Its money is that of the items and their freight; what was paid differs in a few orders by vouchers
  and interest, which the file does not explain. Times are those of São Paulo.
- **Paid** at `order_approved_at`. `canceled` and `unavailable` orders are **cancelled** when approved,
  or else when placed: the file does not say when.
- **Shipment**: where the carrier took it over. The promise holds to the end of the estimated day.
  A takeover before the purchase (four, by minutes) counts as one at the purchase. A cancelled order has
  no shipment here, though one of them was on its way.
- **Review**: of its order, at the time of the answer. A review of two orders is one of each.
- **Left out**, counted with its reason: orders without items.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias
from zoneinfo import ZoneInfo

from perennial_cli.history.accounts import Ledger
from perennial_cli.history.errors import HistoryError
from perennial_cli.history.shop import Body, History, Item, Kind, in_order, money, rfc3339
from perennial_cli.history.text_file import open_text

CURRENCY = "BRL"
ZONE = ZoneInfo("America/Sao_Paulo")
ORDERS_COLUMNS = (
    "order_id", "customer_id", "order_status", "order_purchase_timestamp", "order_approved_at",
    "order_delivered_carrier_date", "order_delivered_customer_date", "order_estimated_delivery_date",
)  # fmt: skip
CANCELLED = frozenset({"canceled", "unavailable"})
STATUSES = {"delivered": "delivered", "shipped": "shipped"}
"""Every other status that is not cancelled (`processing`, `invoiced`, …) is a paid order."""

Row: TypeAlias = dict[str, str]


def load(folder: Path) -> History:
    """The history in the folder. Raises `HistoryError` for a file that is absent or not of this form."""
    people = {row["customer_id"]: row for row in _rows(folder, "customers")}
    items: dict[str, list[Row]] = defaultdict(list)
    for row in _rows(folder, "order_items"):
        items[row["order_id"]].append(row)
    orders = {row["order_id"]: row for row in _rows(folder, "orders")}
    try:
        ledger, found = Ledger(), list(_products(folder, items, orders))
        for row in sorted(orders.values(), key=lambda row: row["order_purchase_timestamp"]):
            found += _order(row, people[row["customer_id"]], items[row["order_id"]], ledger)
        for row in _rows(folder, "order_reviews"):
            order = orders[row["order_id"]]
            found.append(_review(row, people[order["customer_id"]]["customer_unique_id"]))
    except (ValueError, ArithmeticError, KeyError) as error:
        raise HistoryError([f"{folder.name}: {type(error).__name__}: {error}"]) from error
    first = {(item.kind, item.id): item for item in reversed(found)}
    return History(
        f"Olist ({folder.name})", CURRENCY, in_order(first.values()), accounts=ledger.rows()
    )


def _rows(folder: Path, name: str) -> Iterator[Row]:
    path = next(
        (p for p in (folder / f"{name}.csv.gz", folder / f"{name}.csv") if p.exists()), None
    )
    if path is None:
        raise HistoryError([f"{folder}: has no {name}.csv.gz"])
    with open_text(path) as file:
        yield from csv.DictReader(file)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE).astimezone(UTC)


def _cents(text: str) -> int:
    amount = Decimal(text) * 100
    if amount % 1:
        raise ValueError(f"{text} is no whole number of centavos")
    return int(amount)


def _products(folder: Path, items: dict[str, list[Row]], orders: dict[str, Row]) -> Iterator[Item]:
    english = {
        row["product_category_name"]: row["product_category_name_english"]
        for row in _rows(folder, "category_names")
    }
    opened = min(_time(row["order_purchase_timestamp"]) for row in orders.values())
    prices = {row["product_id"]: row["price"] for rows in items.values() for row in rows}
    for row in _rows(folder, "products"):
        sku, own = row["product_id"], row["product_category_name"]
        category = english.get(own, own or "uncategorised").replace("_", " ")
        body: Body = {"sku": sku, "name": f"{category} {sku[:6]}", "category": category,
                      "available": True}  # fmt: skip
        if sku in prices:
            body["price"] = money(_cents(prices[sku]), CURRENCY)
            yield Item(Kind.PRODUCT, opened, sku, sku, body)


def _order(row: Row, person: Row, items: list[Row], ledger: Ledger) -> Iterator[Item]:
    """The order, and the customer before their order; both, or neither."""
    amount = sum((Decimal(i["price"]) + Decimal(i["freight_value"]) for i in items), Decimal(0))
    if not items:
        ledger.leave_out(f"no items: {row['order_status']}", amount)
        return
    customer, at = person["customer_unique_id"], _time(row["order_purchase_timestamp"])
    postcode = person["customer_zip_code_prefix"]
    about: Body = {"customer_id": customer, "kind": "person", "country": "BR", "postcode": postcode}
    yield Item(Kind.CUSTOMER, at, customer, customer, about)
    body = _order_body(row, customer, at, items)
    ledger.take(f"orders: {body['status']}", amount)
    yield Item(Kind.ORDER, at, customer, row["order_id"], body)


def _order_body(row: Row, customer: str, at: datetime, items: list[Row]) -> Body:
    quantities: dict[tuple[str, int], int] = defaultdict(int)
    for item in items:
        quantities[item["product_id"], _cents(item["price"])] += 1
    cancelled = row["order_status"] in CANCELLED
    body: Body = {
        "order_id": row["order_id"],
        "customer_id": customer,
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": money(cents, CURRENCY)}
            for (sku, cents), quantity in quantities.items()
        ],
        "shipping": money(sum(_cents(item["freight_value"]) for item in items), CURRENCY),
        "placed_at": rfc3339(at),
        "status": "cancelled" if cancelled else STATUSES.get(row["order_status"], "paid"),
    }
    if row["order_approved_at"]:
        body["paid_at"] = rfc3339(_time(row["order_approved_at"]))
    if cancelled:
        body["cancelled_at"] = body.get("paid_at", body["placed_at"])
    elif row["order_delivered_carrier_date"]:
        body["shipments"] = [_shipment(row, at)]
    return body


def _shipment(row: Row, placed_at: datetime) -> Body:
    shipped_at = max(_time(row["order_delivered_carrier_date"]), placed_at)
    promised_at = _time(row["order_estimated_delivery_date"]) + timedelta(days=1, seconds=-1)
    shipment: Body = {
        "carrier": "olist",
        "tracking_number": row["order_id"],
        "promised_at": rfc3339(promised_at),
        "shipped_at": rfc3339(shipped_at),
    }
    if row["order_delivered_customer_date"]:
        shipment["delivered_at"] = rfc3339(_time(row["order_delivered_customer_date"]))
    return shipment


def _review(row: Row, customer: str) -> Item:
    at = _time(row["review_answer_timestamp"])
    review_id = f"{row['review_id']}.{row['order_id'][:8]}"
    body: Body = {
        "review_id": review_id,
        "customer_id": customer,
        "order_id": row["order_id"],
        "rating": int(row["review_score"]),
        "submitted_at": rfc3339(at),
    }
    for name, column in (("title", "review_comment_title"), ("text", "review_comment_message")):
        if written := row[column].strip():
            body[name] = written
    return Item(Kind.REVIEW, at, customer, review_id, body)
