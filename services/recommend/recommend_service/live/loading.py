"""The memory, filled from the projection at the start."""

from collections.abc import AsyncIterator
from typing import Any

import numpy as np

from recommend_service.live.memory import PAUSE, TEACHES, Memory, Told
from recommend_service.strategies import trending
from recommend_service.strategies.gathering import gathered, sessions
from recommend_service.strategies.scored import Floats, Ints

VIEWS, BASKETS = 1_000_000, 200_000
"""The newest so many are kept in memory."""
_PIECE = 20_000
"""Rows that are taken at once: a million as Python objects would need more memory than the models."""

_VIEWS = f"""
    SELECT identity, sku, extract(epoch FROM at)::double precision, added
    FROM (SELECT * FROM views ORDER BY at DESC LIMIT {VIEWS}) AS newest ORDER BY at
"""  # noqa: S608 - put together from the constant above
_BASKETS = f"""
    SELECT order_id, customer_id, skus, extract(epoch FROM placed_at)::double precision
    FROM (SELECT * FROM baskets WHERE skus IS NOT NULL AND NOT cancelled
          ORDER BY placed_at DESC LIMIT {BASKETS}) AS newest ORDER BY placed_at, order_id
"""  # noqa: S608 - put together from the constant above

PRODUCTS = """
    SELECT sku, available, name, category, price, runs_out_days,
           extract(epoch FROM described_at)::double precision AS described_at
    FROM products
"""
ALIASES = "SELECT identity, customer_id FROM aliases"
ERASED = "SELECT customer_id FROM erased_customers"
REJECTIONS = "SELECT customer_id, array_agg(sku) FROM rejections"
ORDERS_TOLD = """
    SELECT order_id, customer_id, skus, extract(epoch FROM placed_at)::double precision, cancelled
    FROM baskets WHERE order_id = ANY ($1::text[])
"""


async def load(connection: Any, memory: Memory, now: float) -> None:
    """Fill an empty memory. The connection has a transaction open, which sees one state of all tables."""
    async for row in _rows(connection, PRODUCTS):
        memory.describe(**dict(row), now=now)
    async for identity, customer_id in _rows(connection, ALIASES):
        memory.alias(identity, customer_id)
    memory.erase([id async for (id,) in _rows(connection, ERASED)])
    async for customer_id, skus in _rows(connection, f"{REJECTIONS} GROUP BY customer_id"):
        memory.reject(customer_id, skus)
    await _load_views(connection, memory, now)
    await _load_orders(connection, memory, now)


async def _rows(connection: Any, statement: str) -> AsyncIterator[Any]:
    async for row in connection.cursor(statement, prefetch=_PIECE):
        yield row


async def _load_views(connection: Any, memory: Memory, now: float) -> None:
    pieces: list[tuple[Ints, Ints, Floats, Floats]] = []
    cursor = await connection.cursor(_VIEWS)
    while rows := await cursor.fetch(_PIECE):
        people, skus, seen_at, put = zip(*rows, strict=True)
        pieces.append(
            (
                np.array([memory.people.of(who) for who in people], np.int32),
                np.array([memory.skus.of(sku) for sku in skus], np.int32),
                np.minimum(np.array(seen_at), now),
                np.array(put, np.float64),
            )
        )
    if not pieces:
        return
    columns = [np.concatenate(each) for each in zip(*pieces, strict=True)]
    owner, item, at, added = columns
    visit = sessions(owner, at, PAUSE)
    visits = gathered(visit, owner, item, at)
    memory.models.sessions.load(*visits)
    # A look counts once a session, and only the first products of one that has very many.
    pairs = visit.astype(np.int64) * len(memory.skus) + item
    _, first = np.unique(pairs, return_index=True)
    counted = np.sort(first)
    order = counted[np.argsort(visit[counted], kind="stable")]
    starts = np.flatnonzero(np.r_[True, np.diff(visit[order]) != 0])
    sizes = np.diff(np.r_[starts, len(order)])
    order = order[np.arange(len(order)) - np.repeat(starts, sizes) < TEACHES]
    points = np.where(added[order] > 0, trending.ADD_POINTS, trending.VIEW_POINTS)
    memory.models.trend.add_all(item[order], points, at[order])


async def _load_orders(connection: Any, memory: Memory, now: float) -> None:
    """Orders that fit into one row go in at once; what is larger is taken one by one, which is rare."""
    length = memory.models.orders.length
    ids: list[str] = []
    larger: list[Told] = []
    pieces: list[tuple[int, float, list[int]]] = []
    cursor = await connection.cursor(_BASKETS)
    while rows := await cursor.fetch(_PIECE):
        for order_id, customer_id, skus, at in rows:
            if len(skus) > length:
                larger.append(Told(order_id, customer_id, skus, at, cancelled=False))
                continue
            numbers = [memory.skus.of(sku) for sku in skus]
            pieces.append((memory.people.of(customer_id), min(at, now), numbers))
            ids.append(order_id)
    if pieces:
        owners, at, held = zip(*pieces, strict=True)
        times, sizes = np.array(at), np.array([len(each) for each in held], np.int32)
        items = np.array([item for each in held for item in each], np.int32)
        people = np.array(owners, np.int32)
        memory.models.orders.load(people, times, sizes, items)
        memory.models.comebacks.learn(people, times, sizes, items)
        points = np.full(len(items), trending.ORDER_POINTS)
        memory.models.trend.add_all(items, points, np.repeat(times, sizes))
        memory.remember_rows(ids)
    for told in larger:
        memory.order(told, now)
