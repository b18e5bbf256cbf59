"""Everybody's predictions anew, some thousands of customers at a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from perennial_events import Connection, Database, driver
from profile_service.value_model import rules
from profile_service.value_model.fitting.scoring import Histories, predict
from profile_service.value_model.histories import histories_of
from profile_service.value_model.rules import History, Model
from profile_service.value_model.service import model_in_force

AT_ONCE = 20_000

_NEXT = "SELECT customer_id FROM customers WHERE customer_id > $1 ORDER BY customer_id LIMIT $2"

# Their rows first, and then their orders: who scores one of them meanwhile has either written already,
# and is read here, or waits, and writes after this.
_LOCK = """
    SELECT customer_id FROM predictions WHERE customer_id = ANY ($1::text[])
    ORDER BY customer_id FOR UPDATE
"""

_FORGET = "DELETE FROM predictions WHERE customer_id = ANY ($1::text[])"

_FIELDS = (
    "customer_id", "first_day", "last_day", "repeats", "value_days", "value_sum",
    "p_alive", "expected_orders_90d", "clv_365d", "next_order_by", "model", "computed_at",
)  # fmt: skip
_COLUMNS = ", ".join(_FIELDS)

_ASIDE = f"""
    CREATE TEMPORARY TABLE rescored ON COMMIT DROP AS
    SELECT {_COLUMNS}, false AS known FROM predictions LIMIT 0
"""  # noqa: S608 - put together from the constant above

_UPDATE = """
    UPDATE predictions p SET
        first_day = n.first_day, last_day = n.last_day, repeats = n.repeats,
        value_days = n.value_days, value_sum = n.value_sum,
        p_alive = n.p_alive, expected_orders_90d = n.expected_orders_90d,
        clv_365d = n.clv_365d, next_order_by = n.next_order_by,
        model = n.model, computed_at = n.computed_at
    FROM rescored n WHERE p.customer_id = n.customer_id AND n.known
"""

# A row that somebody has inserted meanwhile was made of at least the orders that were read here.
_INSERT = f"""
    INSERT INTO predictions ({_COLUMNS})
    SELECT {_COLUMNS} FROM rescored WHERE NOT known ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from the constant above

_REVIEW = """
    UPDATE stages s SET due_at = $1 FROM rescored n
    WHERE s.customer_id = n.customer_id AND n.repeats > 0 AND s.stage <> 'closed'
"""

_IS_NEW = "SELECT scored_on IS NULL FROM value_model_in_force"
_DONE = "UPDATE value_model_in_force SET scored_on = $1"


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
        ids: list[str] = [id for (id,) in await connection.fetch(_NEXT, after, AT_ONCE)]
        if model is None or not ids:
            await connection.execute(_DONE, now.astimezone(UTC).date())
            return None
        # They are few among all, though thousands: their orders are fetched by index, and not by a walk
        # along the whole index from its start.
        await connection.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_mergejoin = off")
        known = {id for (id,) in await connection.fetch(_LOCK, ids)}
        histories = await histories_of(connection, ids)
        if gone := sorted(known - set(histories)):
            await connection.execute(_FORGET, gone)
        if histories:
            await connection.execute(_ASIDE)
            await connection.copy_records_to_table(
                "rescored",
                records=_records(model, histories, known, now),
                columns=(*_FIELDS, "known"),
            )
            await _take_over(connection, now)
    return ids[-1]


async def _take_over(connection: Connection, now: datetime) -> None:
    await connection.execute(_UPDATE)
    await connection.execute(_INSERT)
    if await connection.fetchval(_IS_NEW):
        # A stage is kept to the end of the moment at which it is due.
        await connection.execute(_REVIEW, now - timedelta(microseconds=1))


def _records(
    model: Model, histories: dict[str, History], known: set[str], now: datetime
) -> Iterator[tuple[Any, ...]]:
    first, last, repeats, value_days, value_sum = zip(*histories.values(), strict=True)
    columns = Histories(
        np.array(first, "datetime64[D]"),
        np.array(last, "datetime64[D]"),
        np.array(repeats),
        np.array(value_days),
        np.array(value_sum),
    )
    seen_from = model.pinned_to or now.astimezone(UTC).date()
    found = predict(model, columns, seen_from)
    rows = zip(histories.items(), *(column.tolist() for column in found), strict=True)
    for (id, history), alive, orders, value, day in rows:
        by = None if day is None else rules.midnight(day)
        yield (id, *history, alive, orders, value, by, model.model, now, id in known)
