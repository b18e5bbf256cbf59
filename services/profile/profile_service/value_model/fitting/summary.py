"""What a fit is made of, read set-wise from the order facts."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np

from perennial_events import Connection
from profile_service.value_model.fitting.bg_nbd import Days
from profile_service.value_model.fitting.copying import read_arrays
from profile_service.value_model.fitting.validation import Tracked
from profile_service.value_model.histories import PURCHASE_DAYS
from profile_service.value_model.rules import DAYS_A_WEEK

# One row a customer who had begun by the end of the calibration.
_CUSTOMERS = """
    SELECT first_day - $1::date,
           CAST(count(*) FILTER (WHERE day <= $2::date) - 1 AS integer),
           max(day) FILTER (WHERE day <= $2::date) - first_day,
           CAST(count(value) FILTER (WHERE day <= $2::date AND day > first_day) AS integer),
           CAST(coalesce(sum(value) FILTER (WHERE day <= $2::date AND day > first_day), 0) AS bigint),
           CAST(count(*) FILTER (WHERE day > $2::date) AS integer)
    FROM purchase_days
    WHERE first_day <= $2::date AND day <= $3::date
    GROUP BY customer_id, first_day
"""

_WEEKS = """
    SELECT (day - $1::date) / 7, count(*) FROM purchase_days
    WHERE first_day <= $2::date AND day <= $3::date AND day > first_day GROUP BY 1
"""

# A mistyped year must not make a shop of two thousand years.
_FORGET_OLD = "DELETE FROM purchase_days WHERE first_day < $1::date - 7305"

_LONGEST_HOLDOUT = timedelta(weeks=26)

_WIDTHS = (4, 4, 4, 4, 8, 4)


class Purchases(NamedTuple):
    """The customers of a calibration, in columns, days counted from `origin`, the shop's first.

    `repeats`, `recency`, `value_days` and `value_sum` (minor units) are of the calibration;
    `bought_after` counts the purchase days between its end and `as_of`.
    """

    origin: date
    first: Days
    repeats: Days
    recency: Days
    value_days: Days
    value_sum: Days
    bought_after: Days
    weekly_repeats: Days

    def age(self, until: date) -> Days:
        """Days since each customer's first purchase."""
        return (until - self.origin).days - self.first

    def tracked(self) -> Tracked:
        return Tracked(self.origin, self.weekly_repeats, np.bincount(self.first))


async def gather_purchase_days(connection: Connection, as_of: date) -> None:
    """Everybody's purchase days, for this transaction; customers of twenty years and more are left out."""
    await connection.execute(PURCHASE_DAYS)
    await connection.execute(_FORGET_OLD, as_of)


async def default_calibration_end(connection: Connection, as_of: date) -> date:
    """Where a quarter of the shop's history until `as_of` is left as holdout, half a year at most."""
    first: date | None = await connection.fetchval("SELECT min(first_day) FROM purchase_days")
    if first is None or first >= as_of:
        return as_of
    return as_of - min((as_of - first) / 4, _LONGEST_HOLDOUT)


async def read_purchases(
    connection: Connection, calibration_end: date, as_of: date
) -> Purchases | None:
    """The customers of the calibration, or None where there are none."""
    origin: date | None = await connection.fetchval(
        "SELECT min(first_day) FROM purchase_days WHERE first_day <= $1::date", calibration_end
    )
    if origin is None:
        return None
    first, repeats, recency, value_days, value_sum, bought_after = await read_arrays(
        connection, _CUSTOMERS, origin, calibration_end, as_of, widths=_WIDTHS
    )
    weekly = np.zeros((as_of - origin).days // DAYS_A_WEEK + 1, dtype=np.int64)
    for week, bought in await connection.fetch(_WEEKS, origin, calibration_end, as_of):
        weekly[week] = bought
    return Purchases(origin, first, repeats, recency, value_days, value_sum, bought_after, weekly)
