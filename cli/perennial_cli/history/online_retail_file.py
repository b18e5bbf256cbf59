"""The lines of the Online Retail file as they stand in it, and the invoices that they make up."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from perennial_cli.history.errors import HistoryError
from perennial_cli.history.text_file import open_text

COLUMNS = (
    "InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country",
)  # fmt: skip
SHOP_ZONE = ZoneInfo("Europe/London")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file. `sku` is empty where the stock code has no usable character."""

    invoice: str
    sku: str
    description: str
    quantity: int
    at: datetime
    price: Decimal
    customer: str
    country: str

    @property
    def is_cancellation(self) -> bool:
        return self.invoice.startswith("C")

    @property
    def amount(self) -> Decimal:
        """Pounds; negative on a cancellation."""
        return self.quantity * self.price

    @property
    def pence(self) -> int:
        return int(self.price * 100)


@dataclass(slots=True)
class Order:
    """An invoice of a known customer; `lines` maps (sku, pence) to the quantity."""

    invoice: str
    customer: str
    country: str
    at: datetime
    lines: dict[tuple[str, int], int] = field(default_factory=dict)

    def add(self, line: Line) -> None:
        self.at = min(self.at, line.at)
        key = (line.sku, line.pence)
        self.lines[key] = self.lines.get(key, 0) + line.quantity


def read(path: Path) -> Iterator[Line]:
    """The file's lines, in its order. Raises `HistoryError` naming line and column."""
    with open_text(path) as file:
        rows = csv.DictReader(file)
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise HistoryError([f"{path.name}: line 1: expected the columns {', '.join(COLUMNS)}"])
        for row in rows:
            try:
                yield _line(row)
            except (ValueError, InvalidOperation, TypeError, AttributeError) as error:
                raise HistoryError([f"{path.name}: line {rows.line_num}: {error}"]) from error


def _line(row: dict[str, str]) -> Line:
    local = datetime.fromisoformat(row["InvoiceDate"]).replace(tzinfo=SHOP_ZONE)
    return Line(
        invoice=row["InvoiceNo"].strip(),
        sku=_sku(row["StockCode"]),
        description=" ".join(row["Description"].split()),
        quantity=int(row["Quantity"]),
        at=local.astimezone(UTC),
        price=Decimal(row["UnitPrice"]),
        # The original is a spreadsheet, which kept the number as a float: `17850.0`.
        customer=row["CustomerID"].strip().removesuffix(".0"),
        country=row["Country"].strip(),
    )


def _sku(stock_code: str) -> str:
    return re.sub(r"[^A-Z0-9._:-]+", "-", stock_code.strip().upper()).strip("-")[:64]
