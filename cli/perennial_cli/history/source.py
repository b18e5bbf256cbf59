"""Which history to replay: the simulated shop, the real one, or one's own file."""

import csv
from datetime import datetime
from pathlib import Path

from perennial_cli.history import csv_file, online_retail
from perennial_cli.history.errors import HistoryError
from perennial_cli.history.online_retail_file import COLUMNS as ONLINE_RETAIL_COLUMNS
from perennial_cli.history.shop import History
from perennial_cli.history.simulator import DEFAULT_CUSTOMERS, DEFAULT_SEED, simulate
from perennial_cli.history.text_file import open_text

SIMULATED_CURRENCY = "EUR"


def load(
    data: Path | None,
    *,
    as_of: datetime,
    seed: int = DEFAULT_SEED,
    customers: int = DEFAULT_CUSTOMERS,
    currency: str = SIMULATED_CURRENCY,
) -> History:
    """The history of the file `data`, or of a simulated shop up to `as_of` without one.

    `seed`, `customers` and `currency` are the simulated shop's alone. Raises `HistoryError` for a
    file that cannot be read.
    """
    if data is None:
        return simulate(seed=seed, customers=customers, as_of=as_of, currency=currency)
    return online_retail.load(data) if is_online_retail(data) else csv_file.load(data)


def is_online_retail(data: Path) -> bool:
    """Whether the file's first line is that of the Online Retail data set.

    Raises `HistoryError` for a file that is neither of this form nor of one's own.
    """
    columns = _columns(data)
    if columns == ONLINE_RETAIL_COLUMNS:
        return True
    if csv_file.is_own_form(columns):
        return False
    own = ",".join(csv_file.REQUIRED)
    raise HistoryError(
        [
            f"{data.name}: line 1: this is neither a CSV with the columns {own} "
            f"nor the Online Retail file ({','.join(ONLINE_RETAIL_COLUMNS)})"
        ]
    )


def currency_of(data: Path | None) -> str:
    """The currency that the platform should sum in (`PERENNIAL_CURRENCY`) to hold this history.

    A platform with another base currency counts the orders and leaves their money out, since it has
    no rates.
    """
    if data is None:
        return SIMULATED_CURRENCY
    return online_retail.CURRENCY if is_online_retail(data) else csv_file.currency_of(data)


def _columns(data: Path) -> tuple[str, ...]:
    try:
        with open_text(data) as file:
            return tuple(next(csv.reader(file), ()))
    except (OSError, EOFError) as error:
        raise HistoryError([f"{data}: {getattr(error, 'strerror', None) or error}"]) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise HistoryError([f"{data.name}: is no CSV in UTF-8: {error}"]) from error
