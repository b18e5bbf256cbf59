"""Which history to replay: the simulated shop, a real one, or one's own file."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Literal

from perennial_cli.history import csv_file, olist, online_retail
from perennial_cli.history.errors import HistoryError
from perennial_cli.history.olist_count import independent_count as count_olist
from perennial_cli.history.online_retail_count import independent_count as count_online_retail
from perennial_cli.history.online_retail_file import COLUMNS as ONLINE_RETAIL_COLUMNS
from perennial_cli.history.shop import History, Kind, Totals, totals_of
from perennial_cli.history.simulator import DEFAULT_CUSTOMERS, DEFAULT_SEED, simulate
from perennial_cli.history.text_file import open_text

SIMULATED_CURRENCY = "EUR"

Form = Literal["online retail", "olist", "own"]


def load(
    data: Path | None,
    *,
    as_of: datetime,
    seed: int = DEFAULT_SEED,
    customers: int = DEFAULT_CUSTOMERS,
    currency: str = SIMULATED_CURRENCY,
) -> History:
    """The history of `data`, or of a simulated shop up to `as_of` without it.

    `seed`, `customers` and `currency` are the simulated shop's alone. Raises `HistoryError` for a
    file that cannot be read.
    """
    if data is None:
        return simulate(seed=seed, customers=customers, as_of=as_of, currency=currency)
    match form_of(data):
        case "online retail":
            return online_retail.load(data)
        case "olist":
            return olist.load(_folder(data))
        case "own":
            return csv_file.load(data)


def expected(data: Path | None, history: History) -> Totals:
    """What the services should hold in the end: a count over the file that shares no code with its
    reader, where there is one."""
    match None if data is None else form_of(data):
        case "online retail" if data is not None:
            return count_online_retail(data)
        case "olist" if data is not None:
            return count_olist(_folder(data)).totals
        case _:
            return totals_of(history.of_kind(Kind.ORDER))


def form_of(data: Path) -> Form:
    """What `data` is, by the first line of the file: the Online Retail file, Olist's `orders.csv.gz` (or
    the folder that holds it), or one's own.

    Raises `HistoryError` for a file of no known form.
    """
    columns = _columns(data / "orders.csv.gz" if data.is_dir() else data)
    if columns == ONLINE_RETAIL_COLUMNS:
        return "online retail"
    if columns == olist.ORDERS_COLUMNS:
        return "olist"
    if csv_file.is_own_form(columns):
        return "own"
    own = ",".join(csv_file.REQUIRED)
    raise HistoryError(
        [
            f"{data.name}: line 1: this is neither a CSV with the columns {own} "
            f"nor the Online Retail file ({','.join(ONLINE_RETAIL_COLUMNS)}) nor Olist's orders"
        ]
    )


def currency_of(data: Path | None) -> str:
    """The currency that the platform should sum in (`PERENNIAL_CURRENCY`) to hold this history.

    A platform with another base currency counts the orders and leaves their money out, since it has
    no rates.
    """
    if data is None:
        return SIMULATED_CURRENCY
    match form_of(data):
        case "online retail":
            return online_retail.CURRENCY
        case "olist":
            return olist.CURRENCY
        case "own":
            return csv_file.currency_of(data)


def _folder(data: Path) -> Path:
    return data if data.is_dir() else data.parent


def _columns(data: Path) -> tuple[str, ...]:
    try:
        with open_text(data) as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, EOFError) as error:
        raise HistoryError([f"{data}: {getattr(error, 'strerror', None) or error}"]) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HistoryError([f"{data.name}: is no CSV in UTF-8: {error}"]) from error
