"""The real shop: every line accounted for, and the same totals as an independent count."""

import csv
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial_cli.history import online_retail
from perennial_cli.history.errors import HistoryError
from perennial_cli.history.online_retail_count import independent_count
from perennial_cli.history.online_retail_file import COLUMNS
from perennial_cli.history.shop import Body, History, Kind, Totals, totals_of

DATA = Path(os.environ.get("PERENNIAL_DATA") or Path(__file__).parents[4] / "shared" / "data")
FILE = DATA / "online_retail" / "online_retail_to_2011-08.csv.gz"

Row = tuple[str, str, str, int, str, str, str, str]


def row(
    invoice: str, code: str, quantity: int, day: str, price: str = "2.50", customer: str = "17850.0"
) -> Row:
    return (invoice, code, "MUG", quantity, day, price, customer, "EIRE")


def write(folder: Path, rows: Sequence[Row]) -> Path:
    path = folder / "retail.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    return path


def order_of(history: History, order_id: str) -> Body:
    return next(item.body for item in history.of_kind(Kind.ORDER) if item.id == order_id)


def accounts(history: History) -> dict[str, tuple[int, str]]:
    return {row.what: (row.lines, row.amount) for row in history.accounts}


def test_an_invoice_is_an_order_with_merged_lines_in_utc(tmp_path: Path) -> None:
    rows = [
        row("1", "85123a", 2, "2011-07-01 09:30:00"),
        row("1", "85123A", 3, "2011-07-01 09:31:00"),
        row("1", "85123A", 1, "2011-07-01 09:30:00", "1.25"),
    ]
    history = online_retail.load(write(tmp_path, rows))
    order = order_of(history, "1")
    assert order["customer_id"] == "17850"
    assert order["lines"] == [
        {"sku": "85123A", "quantity": 5, "unit_price": {"amount": 250, "currency": "GBP"}},
        {"sku": "85123A", "quantity": 1, "unit_price": {"amount": 125, "currency": "GBP"}},
    ]
    # British Summer Time is an hour ahead.
    assert order["placed_at"] == order["paid_at"] == "2011-07-01T08:30:00.000Z"
    assert order["status"] == "completed"
    assert history.of_kind(Kind.CUSTOMER)[0].body["country"] == "IE"


def test_a_whole_order_taken_back_within_a_day_is_cancelled_later_it_is_returned(
    tmp_path: Path,
) -> None:
    rows = [
        row("1", "A", 2, "2011-01-01 09:00:00"),
        row("2", "B", 2, "2011-01-01 09:00:00"),
        row("C3", "A", -2, "2011-01-02 09:00:00"),
        row("C4", "B", -2, "2011-01-02 09:01:00"),
    ]
    path = write(tmp_path, rows)
    history = online_retail.load(path)
    assert order_of(history, "1")["status"] == "cancelled"
    assert order_of(history, "1")["cancelled_at"] == "2011-01-02T09:00:00.000Z"
    [back] = order_of(history, "2")["returns"]
    assert back["lines"] == [{"sku": "B", "quantity": 2}]
    assert back["kind"] == "refund"
    assert back["requested_at"] == back["refunded_at"] == "2011-01-02T09:01:00.000Z"
    expected = Totals(orders=1, cancelled=1, customers=1, returns=1, gross=500, refunded=500)
    assert totals_of(history.of_kind(Kind.ORDER)) == independent_count(path) == expected


def test_a_day_has_its_hours_when_the_clocks_go_forward(tmp_path: Path) -> None:
    rows = [row("1", "A", 2, "2011-03-26 11:00:00"), row("C2", "A", -2, "2011-03-27 12:00:00")]
    path = write(tmp_path, rows)
    history = online_retail.load(path)
    assert order_of(history, "1")["status"] == "cancelled"
    assert independent_count(path).cancelled == 1


def test_a_cancellation_finds_the_order_of_just_its_quantity_before_a_later_one(
    tmp_path: Path,
) -> None:
    rows = [
        row("1", "A", 2, "2011-01-01 09:00:00"),
        row("2", "A", 5, "2011-01-02 09:00:00"),
        row("C3", "A", -2, "2011-01-09 09:00:00"),
        row("C4", "A", -2, "2011-01-10 09:00:00"),
    ]
    history = online_retail.load(write(tmp_path, rows))
    assert len(order_of(history, "1")["returns"]) == 1
    assert order_of(history, "2")["returns"][0]["lines"] == [{"sku": "A", "quantity": 2}]


def test_what_cannot_be_anybodys_order_is_left_out_with_its_reason(tmp_path: Path) -> None:
    rows = [
        row("1", "A", 2, "2011-01-01 09:00:00"),
        row("1", "B", 1, "2011-01-01 09:00:00", "0.0"),
        row("1", "PADS", 1, "2011-01-01 09:00:00", "0.001"),
        row("2", "A", 4, "2011-01-01 09:00:00", customer=""),
        row("3", "A", -4, "2011-01-01 09:00:00", "0.0", customer=""),
        row("C4", "A", -1, "2010-12-31 09:00:00"),
        row("C5", "A", -1, "2011-01-03 09:00:00", "9.99"),
        row("C6", "A", -3, "2011-01-03 09:00:00"),
        row("C7", "A", -1, "2011-01-03 09:00:00", customer=""),
    ]
    path = write(tmp_path, rows)
    history = online_retail.load(path)
    assert accounts(history) == {
        "sales, into orders": (1, "5.00"),
        "no positive price": (1, "0.0"),
        "price is no whole number of pence": (1, "0.001"),
        "no customer: sale": (1, "10.00"),
        "no customer: adjustment": (1, "0.0"),
        "no customer: cancellation": (1, "-2.50"),
        "cancellation: no earlier order has it": (1, "-2.50"),
        "cancellation: earlier orders have it at another price": (1, "-9.99"),
        "cancellation: no earlier order still holds as many": (1, "-7.50"),
    }
    assert totals_of(history.of_kind(Kind.ORDER)) == independent_count(path)


def test_an_order_with_one_code_at_two_prices_is_passed_over(tmp_path: Path) -> None:
    rows = [
        row("1", "A", 2, "2011-01-01 09:00:00", "2.50"),
        row("1", "A", 2, "2011-01-01 09:00:00", "2.00"),
        row("C2", "A", -2, "2011-01-05 09:00:00", "2.00"),
    ]
    path = write(tmp_path, rows)
    history = online_retail.load(path)
    assert "returns" not in order_of(history, "1")
    assert totals_of(history.of_kind(Kind.ORDER)) == independent_count(path)


@pytest.mark.parametrize(
    ("column", "value"), [(3, "two"), (4, "yesterday"), (5, "free")], ids=COLUMNS[3:6]
)
def test_a_line_that_cannot_be_read_is_named(tmp_path: Path, column: int, value: str) -> None:
    broken = list(row("1", "A", 2, "2011-01-01 09:00:00"))
    broken[column] = value
    path = write(tmp_path, [row("1", "A", 2, "2011-01-01 09:00:00"), tuple(broken)])  # type: ignore[list-item]
    with pytest.raises(HistoryError, match=r"retail\.csv: line 3"):
        online_retail.load(path)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Small files that meet themselves often: few customers, codes, prices and quantities."""
    at = datetime.fromisoformat("2011-03-25 12:00:00")
    rows: list[Row] = []
    for number in range(draw(st.integers(1, 14))):
        at += timedelta(hours=draw(st.sampled_from([0, 1, 23, 24, 25, 200])))
        backwards = draw(st.booleans())
        customer = draw(st.sampled_from(["1.0", "2.0", "1.0", ""]))
        for _ in range(draw(st.integers(1, 3))):
            quantity = draw(st.integers(1, 3)) * (-1 if backwards else 1)
            price = draw(st.sampled_from(["1.0", "2.5", "2.50", "0.0", "0.001"]))
            code = draw(st.sampled_from(["A", "a", "B"]))
            invoice = f"{'C' if backwards else ''}{number}"
            rows.append(row(invoice, code, quantity, str(at), price, customer))
    return rows


@settings(max_examples=300, deadline=None)
@given(rows=histories())
def test_any_file_comes_to_the_independent_count_and_every_line_is_accounted_for(
    rows: list[Row],
) -> None:
    with TemporaryDirectory() as folder:
        path = write(Path(folder), rows)
        history = online_retail.load(path)
        assert totals_of(history.of_kind(Kind.ORDER)) == independent_count(path)
    assert sum(account.lines for account in history.accounts) == len(rows)
    money = sum((line[3] * Decimal(line[5]) for line in rows), Decimal(0))
    assert sum(Decimal(account.amount) for account in history.accounts) == money


@pytest.mark.skipif(
    not FILE.exists(), reason=f"{FILE.name} is absent: set PERENNIAL_DATA to its folder"
)
def test_the_real_file_agrees_with_the_independent_count() -> None:
    history = online_retail.load(FILE)
    expected = independent_count(FILE)
    assert totals_of(history.of_kind(Kind.ORDER)) == expected
    # 3,317 customers have an order by 2011-08-31, as the published figures say.
    assert expected.customers == 3317
    assert sum(account.lines for account in history.accounts) == 320_705
    sales = accounts(history)["sales, into orders"]
    assert sales == (226_465, "5239240.56")
    reversed_money = Decimal(
        accounts(history)["cancellations, into the orders that they reverse"][1]
    )
    assert expected.net == (Decimal(sales[1]) + reversed_money) * 100
