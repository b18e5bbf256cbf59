"""`python -m recommend_service.fitting`: fit taste and rhythms once, store them, and end."""

import asyncio
import json
import time
from datetime import datetime

import numpy as np
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Database, driver, utc_now
from recommend_service.facts.projection import write_journal
from recommend_service.fitting.stored import pack
from recommend_service.live import loading
from recommend_service.live.memory import Numbers
from recommend_service.settings import Settings
from recommend_service.strategies import repeat, taste

BUY_WEIGHT, ADD_WEIGHT = 3.0, 2.0
"""What a purchase, and a putting into the cart, count for against a view."""
KEPT_FITS = 3

_VIEWS = f"""
    SELECT coalesce(aliases.customer_id, newest.identity), newest.sku,
           sum(CASE WHEN newest.added THEN {ADD_WEIGHT} ELSE 1 END)::double precision
    FROM (SELECT * FROM views ORDER BY at DESC LIMIT {loading.VIEWS}) AS newest
    LEFT JOIN aliases USING (identity) GROUP BY 1, 2
"""  # noqa: S608 - put together from constants
_BOUGHT = f"""
    SELECT coalesce(aliases.customer_id, newest.customer_id), sku,
           extract(epoch FROM placed_at)::double precision
    FROM (SELECT * FROM baskets WHERE skus IS NOT NULL AND NOT cancelled
          ORDER BY placed_at DESC LIMIT {loading.BASKETS}) AS newest
    LEFT JOIN aliases ON identity = newest.customer_id CROSS JOIN unnest(skus) AS sku
"""  # noqa: S608 - put together from a constant
COUNT = f"""
    SELECT (SELECT count(*) FROM (SELECT FROM views LIMIT {loading.VIEWS}) AS some_views)
         + (SELECT count(*) FROM (SELECT FROM baskets LIMIT {loading.BASKETS}) AS some_baskets)
"""  # noqa: S608 - put together from constants
_STORE = """
    INSERT INTO fits (interactions, seconds, figures, arrays) VALUES ($1, $2, $3::text::jsonb, $4)
    RETURNING fit_id
"""
_FORGET = """
    DELETE FROM fits WHERE fit_id <= (
        SELECT fit_id FROM fits ORDER BY fit_id DESC OFFSET $1 LIMIT 1)
"""


async def fit_once(session: AsyncSession, now: datetime) -> int:
    """Fit on what the projection holds; return the fit's id."""
    del now
    began = time.monotonic()
    connection = await driver(session)
    await connection.execute("SET LOCAL statement_timeout = '5min'")
    interactions = await connection.fetchval(COUNT)
    people, skus = Numbers(), Numbers()
    who: list[int] = []
    what: list[int] = []
    weight: list[float] = []
    at: list[float] = []
    async for person, sku, weighed in connection.cursor(_VIEWS, prefetch=20_000):
        who.append(people.of(person))
        what.append(skus.of(sku))
        weight.append(weighed)
    views = len(who)
    async for person, sku, bought_at in connection.cursor(_BOUGHT, prefetch=20_000):
        who.append(people.of(person))
        what.append(skus.of(sku))
        weight.append(BUY_WEIGHT)
        at.append(bought_at)
    visitors, items = np.array(who, np.int32), np.array(what, np.int32)
    read_in = time.monotonic() - began
    rhythms = repeat.learn(visitors[views:], items[views:], np.array(at))
    tastes = taste.fit(visitors, items, np.array(weight, np.float64))
    seconds = time.monotonic() - began
    figures = {"products": len(skus), "people": len(people), "read_seconds": round(read_in, 3)}
    fit_id: int = await connection.fetchval(
        _STORE, interactions, seconds, json.dumps(figures), pack(skus.names, tastes, rhythms)
    )
    await connection.execute(_FORGET, KEPT_FITS)
    await write_journal(session, {"fits": [fit_id]})
    return fit_id


async def main() -> None:
    database = Database(Settings().database_url, source="/perennial/recommend/fitting")
    try:
        async with database.transaction() as session:
            await fit_once(session, utc_now())
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
