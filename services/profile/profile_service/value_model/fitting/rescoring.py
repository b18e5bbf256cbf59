"""Everybody's predictions anew, some thousands of customers at a time.

Ids and rows stay in the database: only numbers come out as arrays, and go back as arrays.
"""

from datetime import UTC, date, datetime, timedelta

import numpy as np

from perennial_events import Connection, Database, driver
from profile_service.value_model.fitting.copying import read_arrays, write_arrays
from profile_service.value_model.fitting.scoring import Histories, predict
from profile_service.value_model.histories import HISTORIES_BETWEEN
from profile_service.value_model.rules import Model
from profile_service.value_model.service import model_in_force

AT_ONCE = 20_000

_LAST = """
    SELECT max(customer_id) FROM (
        SELECT customer_id FROM customers WHERE customer_id > $1 ORDER BY customer_id LIMIT $2) AS next
"""

_ASIDE = """
    CREATE TEMPORARY TABLE locked (customer_id text COLLATE "C") ON COMMIT DROP;
    CREATE TEMPORARY TABLE histories (
        place integer, customer_id text COLLATE "C", first_day date, last_day date, repeats integer,
        value_days integer, value_sum bigint) ON COMMIT DROP;
    CREATE TEMPORARY TABLE found (
        place integer, p_alive float8, expected_orders_90d float8, clv_365d bigint,
        next_day integer) ON COMMIT DROP
"""

# Their rows first, and then their orders: who scores one of them meanwhile has either written already,
# and is read here, or waits, and writes after this.
_LOCK = """
    INSERT INTO locked SELECT customer_id FROM predictions
    WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id FOR UPDATE
"""

_GATHER = f"""
    INSERT INTO histories SELECT row_number() OVER () - 1, h.* FROM ({HISTORIES_BETWEEN}) AS h
"""  # noqa: S608 - of the constant here

_HISTORIES = """
    SELECT first_day - date '1970-01-01', last_day - date '1970-01-01', repeats, value_days, value_sum
    FROM histories ORDER BY place
"""
_WIDTHS = (4, 4, 4, 4, 8)

_FORGET = """
    DELETE FROM predictions WHERE customer_id IN (
        SELECT customer_id FROM locked EXCEPT SELECT customer_id FROM histories)
"""

_NEXT_ORDER_BY = """
    CASE WHEN f.next_day IS DISTINCT FROM $1
         THEN CAST(date '1970-01-01' + f.next_day AS timestamp) AT TIME ZONE 'UTC' END
"""

_UPDATE = f"""
    UPDATE predictions AS p SET
        first_day = h.first_day, last_day = h.last_day, repeats = h.repeats,
        value_days = h.value_days, value_sum = h.value_sum,
        p_alive = f.p_alive, expected_orders_90d = f.expected_orders_90d, clv_365d = f.clv_365d,
        next_order_by = {_NEXT_ORDER_BY}, model = $2, computed_at = $3
    FROM histories AS h JOIN found AS f USING (place) JOIN locked AS l USING (customer_id)
    WHERE p.customer_id = h.customer_id
"""  # noqa: S608 - put together from the constant above

# A row that somebody has inserted meanwhile was made of at least the orders that were read here.
_INSERT = f"""
    INSERT INTO predictions (
        customer_id, first_day, last_day, repeats, value_days, value_sum,
        p_alive, expected_orders_90d, clv_365d, next_order_by, model, computed_at)
    SELECT h.customer_id, h.first_day, h.last_day, h.repeats, h.value_days, h.value_sum,
           f.p_alive, f.expected_orders_90d, f.clv_365d, {_NEXT_ORDER_BY}, $2, $3
    FROM histories AS h JOIN found AS f USING (place)
    WHERE NOT EXISTS (SELECT FROM locked AS l WHERE l.customer_id = h.customer_id)
    ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from the constant above

_REVIEW = """
    UPDATE stages AS s SET due_at = $1 FROM histories AS h
    WHERE s.customer_id = h.customer_id AND h.repeats > 0 AND s.stage <> 'closed'
"""

_IS_NEW = "SELECT scored_on IS NULL FROM value_model_in_force"
_DONE = "UPDATE value_model_in_force SET scored_on = $1"

_NEVER = np.iinfo(np.int32).min
"""Stands for no day: the least that an integer column takes."""


async def rescore(database: Database, now: datetime) -> None:
    """Predict for every customer by the model in force, as of `now`.

    After a new model, whose thresholds are crossed at other times, stages come up for review as well.
    """
    after: str | None = ""
    while after is not None:
        after = await _rescore_next(database, after, now)


async def _rescore_next(database: Database, after: str, now: datetime) -> str | None:
    """One transaction: the next customers by id. Returns the last of them, or None at the end."""
    async with database.transaction() as session:
        model = await model_in_force(session)
        connection = await driver(session)
        last: str | None = await connection.fetchval(_LAST, after, AT_ONCE)
        if model is None or last is None:
            await connection.execute(_DONE, now.astimezone(UTC).date())
            return None
        await connection.execute(_ASIDE)
        await connection.execute(_LOCK, after, last)
        await connection.execute(_GATHER, after, last)
        await connection.execute(_FORGET)
        await _predict(connection, model, model.pinned_to or now.astimezone(UTC).date())
        for statement in (_UPDATE, _INSERT):
            await connection.execute(statement, _NEVER, model.model, now)
        if await connection.fetchval(_IS_NEW):
            # A stage is kept to the end of the moment at which it is due.
            await connection.execute(_REVIEW, now - timedelta(microseconds=1))
    return last


async def _predict(connection: Connection, model: Model, seen_from: date) -> None:
    """Fill `found`, a row for each of `histories`."""
    first, last, *counts = await read_arrays(connection, _HISTORIES, widths=_WIDTHS)
    if not len(first):
        return
    days = (each.astype("datetime64[D]") for each in (first, last))
    found = predict(model, Histories(*days, *counts), seen_from)
    next_day = found.next_order_by.astype(np.int64)
    columns: dict[str, np.ndarray] = {
        "place": np.arange(len(first), dtype=np.int32),
        "p_alive": found.p_alive,
        "expected_orders_90d": found.expected_orders_90d,
        "clv_365d": found.clv_365d,
        "next_day": np.maximum(next_day, _NEVER).astype(np.int32),
    }
    await write_arrays(connection, "found", columns)
