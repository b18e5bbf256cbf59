"""A shop's own CSV: what it becomes, and what is said of a faulty one."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from perennial_cli.history import csv_file
from perennial_cli.history.errors import HistoryError
from perennial_cli.history.shop import Kind, totals_of
from perennial_cli.history.source import currency_of, form_of, load

HEADER = "customer_id,order_id,placed_at,sku,quantity,unit_price,currency,name,category,status"
AS_OF = datetime(2026, 11, 22, tzinfo=UTC)


def write(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "shop.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def problems(path: Path) -> list[str]:
    with pytest.raises(HistoryError) as caught:
        load(path, as_of=AS_OF)
    return caught.value.problems


def test_rows_become_orders_customers_and_products(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "ann,o-1,2026-03-01T10:30:00+01:00,mug,2,7.50,GBP,Blue mug,kitchen,",
        "ann,o-1,2026-03-01T10:30:00+01:00,pot,1,19.99,GBP,,,",
        "bob,o-2,2026-03-02,mug,1,8.00,GBP,,,cancelled",
    )
    history = load(path, as_of=AS_OF)
    assert currency_of(path) == history.currency == "GBP"
    first, second = (item.body for item in history.of_kind(Kind.ORDER))
    assert first["placed_at"] == first["paid_at"] == "2026-03-01T09:30:00.000Z"
    assert [line["unit_price"]["amount"] for line in first["lines"]] == [750, 1999]
    assert second["status"] == "cancelled"
    products = {item.id: item.body for item in history.of_kind(Kind.PRODUCT)}
    assert products["mug"]["name"] == "Blue mug"
    assert products["mug"]["price"]["amount"] == 800
    assert products["pot"]["category"] == "uncategorised"
    assert [item.id for item in history.of_kind(Kind.CUSTOMER)] == ["ann", "bob"]
    totals = totals_of(history.of_kind(Kind.ORDER))
    assert (totals.orders, totals.cancelled, totals.gross) == (1, 1, 3499)


def test_columns_may_be_few_in_any_order_and_compressed(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    text = (
        "sku,quantity,unit_price,order_id,customer_id,placed_at\nmug,1,5,o,c,2026-01-01T00:00:00Z\n"
    )
    path.write_bytes(gzip.compress(text.encode()))
    [order] = load(path, as_of=AS_OF).of_kind(Kind.ORDER)
    assert order.body["lines"][0]["unit_price"] == {"amount": 500, "currency": "EUR"}


@pytest.mark.parametrize(
    ("currency", "price", "amount"),
    [("JPY", "500", 500), ("KWD", "1.234", 1234), ("EUR", "1.5", 150)],
)
def test_prices_are_in_the_currencys_own_minor_units(
    tmp_path: Path, currency: str, price: str, amount: int
) -> None:
    path = write(tmp_path, f"c,o,2026-01-01,mug,1,{price},{currency},,,")
    [order] = load(path, as_of=AS_OF).of_kind(Kind.ORDER)
    assert order.body["lines"][0]["unit_price"]["amount"] == amount


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ("a b,o,2026-01-01,mug,1,5,,,,", "customer_id"),
        (f"c,{'o' * 65},2026-01-01,mug,1,5,,,,", "order_id"),
        ("c,o,01/02/2026,mug,1,5,,,,", "placed_at"),
        ("c,o,2026-01-01,,1,5,,,,", "sku"),
        ("c,o,2026-01-01,mug,0,5,,,,", "quantity"),
        ("c,o,2026-01-01,mug,1.5,5,,,,", "quantity"),
        ("c,o,2026-01-01,mug,1,NaN,,,,", "unit_price"),
        ("c,o,2026-01-01,mug,1,-5,,,,", "unit_price"),
        ("c,o,2026-01-01,mug,1,5.001,EUR,,,", "unit_price"),
        ("c,o,2026-01-01,mug,1,5,euro,,,", "currency"),
        ("c,o,2026-01-01,mug,1,5,,,,lost", "status"),
    ],
)
def test_a_fault_names_line_and_column(tmp_path: Path, row: str, column: str) -> None:
    path = write(tmp_path, "good,good,2026-01-01,mug,1,5,,,,", row)
    [problem] = problems(path)
    assert problem.startswith(f"shop.csv: line 3, column {column}: ")


def test_rows_of_one_order_must_agree(tmp_path: Path) -> None:
    path = write(tmp_path, "ann,o,2026-01-01,mug,1,5,,,,", "bob,o,2026-01-01,pot,1,5,,,,")
    assert problems(path) == [
        "shop.csv: line 3, column customer_id: differs from an earlier row of order o"
    ]


def test_every_fault_is_told_at_once_and_many_are_cut_short(tmp_path: Path) -> None:
    path = write(tmp_path, *["c,o,2026-01-01,mug,none,5,,,,"] * 30)
    with pytest.raises(HistoryError, match="and 10 more"):
        csv_file.load(path)


def test_a_header_that_lacks_or_misspells_a_column_is_refused(tmp_path: Path) -> None:
    header = "customer_id,order_id,placed_at,sku,quantity,price"
    missing, unknown = problems(write(tmp_path, header=header))
    assert "column unit_price is missing" in missing
    assert '"price" is not a column' in unknown


def test_a_file_of_no_known_form_is_refused_with_both_forms(tmp_path: Path) -> None:
    [problem] = problems(write(tmp_path, header="a,b,c"))
    assert "customer_id,order_id" in problem
    assert "InvoiceNo" in problem


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x1f\x8bnot gzip", b""])
def test_bytes_that_are_no_csv_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "shop.csv"
    path.write_bytes(content)
    assert problems(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="No such file"):
        form_of(tmp_path / "none.csv")
