"""Olist's orders: promises, cancellations and reviews as the files have them."""

import csv
import gzip
import os
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from perennial_cli.history import olist
from perennial_cli.history.errors import HistoryError
from perennial_cli.history.olist_count import independent_count
from perennial_cli.history.shop import Body, History, Kind, totals_of
from perennial_cli.history.source import currency_of, form_of

DATA = Path(os.environ.get("PERENNIAL_DATA") or Path(__file__).parents[4] / "shared" / "data")
FOLDER = DATA / "olist"

HEADERS = {
    "orders": olist.ORDERS_COLUMNS,
    "order_items": ("order_id", "order_item_id", "product_id", "seller_id", "shipping_limit_date",
                    "price", "freight_value"),
    "customers": ("customer_id", "customer_unique_id", "customer_zip_code_prefix", "customer_city",
                  "customer_state"),
    "order_reviews": ("review_id", "order_id", "review_score", "review_comment_title",
                      "review_comment_message", "review_creation_date", "review_answer_timestamp"),
    "products": ("product_id", "product_category_name"),
    "category_names": ("product_category_name", "product_category_name_english"),
}  # fmt: skip

BOUGHT, APPROVED, TAKEN = "2018-01-05 10:00:00", "2018-01-05 10:10:00", "2018-01-06 09:00:00"
PROMISED = "2018-01-20 00:00:00"


def write(folder: Path, orders: list[tuple[str, ...]], prices: list[str]) -> Path:
    """Orders of one person, each with the same items."""
    ids = [order[0] for order in orders]
    rows: dict[str, list[tuple[str, ...]]] = {
        "orders": orders,
        "order_items": [
            (id, "1", "pot", "s", PROMISED, price, "1.50") for id in ids for price in prices
        ],
        "customers": [(f"c-{id}", "person", "01001", "sao paulo", "SP") for id in ids],
        "order_reviews": [
            ("v", id, "4", "", " Muito bom\r\n", BOUGHT, "2018-01-25 12:00:00") for id in ids
        ],
        "products": [("pot", "casa_jardim")],
        "category_names": [("casa_jardim", "home_garden")],
    }
    for name, header in HEADERS.items():
        with gzip.open(folder / f"{name}.csv.gz", "wt", newline="") as file:
            csv.writer(file).writerows([header, *rows[name]])
    return folder


def order(id: str, status: str, approved: str, taken: str, delivered: str) -> tuple[str, ...]:
    return (id, f"c-{id}", status, BOUGHT, approved, taken, delivered, PROMISED)


def bodies(history: History, kind: Kind) -> list[Body]:
    return [item.body for item in history.of_kind(kind)]


def test_a_delivered_order_with_its_promise_and_its_review(tmp_path: Path) -> None:
    delivered = order("o1", "delivered", APPROVED, TAKEN, "2018-01-20 23:00:00")
    history = olist.load(write(tmp_path, [delivered], ["10.00", "10.00", "8.00"]))
    [body] = bodies(history, Kind.ORDER)
    assert [(line["quantity"], line["unit_price"]["amount"]) for line in body["lines"]] == [
        (2, 1000),
        (1, 800),
    ]
    assert body["shipping"] == {"amount": 450, "currency": "BRL"}
    # São Paulo had summer time, UTC-2.
    assert body["placed_at"] == "2018-01-05T12:00:00.000Z"
    [shipment] = body["shipments"]
    assert shipment["promised_at"] == "2018-01-21T01:59:59.000Z"
    assert shipment["delivered_at"] == "2018-01-21T01:00:00.000Z"
    [review] = bodies(history, Kind.REVIEW)
    assert (review["rating"], review["text"], review["customer_id"]) == (4, "Muito bom", "person")
    assert bodies(history, Kind.PRODUCT)[0]["category"] == "home garden"
    assert bodies(history, Kind.CUSTOMER)[0]["postcode"] == "01001"


def test_cancelled_unpaid_late_and_lost_orders_are_counted_alike(tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        [
            order("o1", "canceled", "", "", ""),
            order("o2", "unavailable", APPROVED, "", ""),
            order("o3", "canceled", APPROVED, TAKEN, ""),
            order("o4", "delivered", APPROVED, "2018-01-05 09:59:00", "2018-01-21 00:00:00"),
            order("o5", "shipped", APPROVED, TAKEN, ""),
            order("o6", "processing", APPROVED, "", ""),
        ],
        ["10.00"],
    )
    history = olist.load(folder)
    count = independent_count(folder)
    assert totals_of(history.of_kind(Kind.ORDER)) == count.totals
    assert (count.totals.orders, count.totals.cancelled, count.totals.gross) == (3, 3, 3450)
    assert (count.late, count.overdue, count.ratings) == (1, 1, {4: 6})
    by_id = {body["order_id"]: body for body in bodies(history, Kind.ORDER)}
    assert "paid_at" not in by_id["o1"]
    assert "shipments" not in by_id["o3"]
    assert by_id["o4"]["shipments"][0]["shipped_at"] == by_id["o4"]["placed_at"]
    assert len(bodies(history, Kind.CUSTOMER)) == 1
    assert len({body["review_id"] for body in bodies(history, Kind.REVIEW)}) == 6


def test_orders_without_items_are_left_out_and_said(tmp_path: Path) -> None:
    history = olist.load(write(tmp_path, [order("o1", "canceled", "", "", "")], []))
    assert not bodies(history, Kind.ORDER)
    assert [(row.imported, row.what) for row in history.accounts] == [(False, "no items: canceled")]


def test_what_is_not_olist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="no customers"):
        olist.load(tmp_path)
    write(tmp_path, [order("o1", "canceled", "", "", "")], ["1.005"])
    with pytest.raises(HistoryError, match="centavos"):
        olist.load(tmp_path)
    assert form_of(tmp_path) == form_of(tmp_path / "orders.csv.gz") == "olist"
    assert currency_of(tmp_path) == "BRL"


@pytest.mark.skipif(
    not FOLDER.exists(), reason=f"{FOLDER.name} is absent: set PERENNIAL_DATA to its folder"
)
def test_the_real_files_agree_with_the_independent_count() -> None:
    history = olist.load(FOLDER)
    count = independent_count(FOLDER)
    assert totals_of(history.of_kind(Kind.ORDER)) == count.totals
    assert (count.totals.orders, count.totals.cancelled, count.totals.customers) == (1487, 9, 1493)
    assert count.totals.gross == 23_668_568
    assert count.late == sum(map(was_late, bodies(history, Kind.ORDER))) == 92
    ratings = Counter(body["rating"] for body in bodies(history, Kind.REVIEW))
    assert ratings == count.ratings
    assert sum(ratings.values()) == 1507
    assert sum(row.lines for row in history.accounts) == 1510


def was_late(body: Body) -> bool:
    def time(shipment: Body, name: str) -> datetime:
        return datetime.fromisoformat(shipment[name])

    return any(
        time(shipment, "delivered_at") > time(shipment, "promised_at")
        for shipment in body.get("shipments", ())
        if "delivered_at" in shipment
    )
