"""Follows the journal: what any process of the service applied is in this one's memory soon after."""

import asyncio
import contextlib
import gc
import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import structlog

from perennial_events import Clock, Database
from perennial_events.errors import is_transient
from recommend_service.fitting.stored import Fitted, read_fit
from recommend_service.live import loading
from recommend_service.live.memory import Memory, Told
from recommend_service.live.shop import Shop, read_shop

log = structlog.get_logger("models")

LOOK_SECONDS = 0.25
"""Another process may have written to the journal, of which no signal in this one tells."""
PAUSE_SECONDS = 0.03
"""From one look to the next while events pour in: one look takes what many batches wrote."""
KEPT_SECONDS = 3_600.0
"""The journal keeps its rows for so long."""
_PIECE = 500

# The rows that this snapshot shows and the last one did not: each is seen exactly once, and as soon as
# it is committed, however the transactions overlapped.
_NEWS = """
    SELECT pg_current_snapshot()::text,
           (SELECT array_agg(changes ORDER BY id) FROM journal
            WHERE xid >= pg_snapshot_xmin($1::text::pg_snapshot)
              AND NOT pg_visible_in_snapshot(xid, $1::text::pg_snapshot)),
           applied.applied_at, applied.lag_ms
    FROM (SELECT) AS one LEFT JOIN (
        SELECT applied_at, lag_ms FROM offsets
        WHERE consumer_group = 'recommend' AND next_offset > 0 ORDER BY applied_at DESC LIMIT 1
    ) AS applied ON true
"""
_PRODUCTS = f"{loading.PRODUCTS} WHERE sku = ANY ($1::text[])"
# Whoever leads to an identity that changed ends elsewhere too, whether their own step changed or not.
_ALIASES = """
    WITH RECURSIVE upstream AS (
        SELECT unnest($1::text[]) COLLATE "C" AS id
        UNION
        SELECT identity FROM aliases JOIN upstream ON aliases.into_id = upstream.id
    )
    SELECT id, customer_id FROM upstream LEFT JOIN aliases ON identity = id
"""
_REJECTIONS = f"{loading.REJECTIONS} WHERE customer_id = ANY ($1::text[]) GROUP BY customer_id"


class Live:
    """The memory of this process, and the one who keeps it."""

    def __init__(self, database: Database, clock: Clock, *, support: int) -> None:
        self._database, self._clock, self._support = database, clock, support
        self._snapshot = ""
        self._read_at = 0.0
        self._reading = asyncio.Lock()
        self._begun = self._completed = 0
        self.memory = Memory(support)
        self.shop = Shop()
        self.fitted: Fitted | None = None
        self.applied_at: datetime | None = None
        self.lag_ms = 0
        self.update_us: float = 0.0
        """What an event cost lately, a mean that fades."""
        self._loaded = asyncio.Event()

    async def ready(self) -> bool:
        """Whether the memory is filled."""
        return self._loaded.is_set()

    async def wait_ready(self, within: float) -> bool:
        """Whether the memory is filled by then."""
        if self._loaded.is_set():
            return True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._loaded.wait(), within)
        return self._loaded.is_set()

    async def follow(self) -> None:
        """Load, and keep up until cancelled."""
        while True:
            try:
                await self.catch_up()
                await asyncio.sleep(PAUSE_SECONDS)
                await self._database.wait_applied(LOOK_SECONDS)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("waiting for the surroundings", error=str(error)[:200])
                await asyncio.sleep(1.0)

    async def catch_up(self) -> None:
        """Return when the memory has all that was committed before the call."""
        arrived = self._begun
        async with self._reading:
            # A reading that began since holds all that this caller may ask for.
            if self._completed > arrived:
                return
            self._begun += 1
            # A process that slept longer than the journal remembers begins anew.
            if not self._snapshot or time.monotonic() - self._read_at > KEPT_SECONDS / 2:
                await self._load()
            await self._take_news()
            self._completed = self._begun

    async def _load(self) -> None:
        began = time.monotonic()
        memory = Memory(self._support)
        async with (
            self._database.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            snapshot = await connection.fetchval("SELECT pg_current_snapshot()::text")
            await loading.load(connection, memory, self._now())
            self.shop = await read_shop(connection)
            self.fitted = await read_fit(connection)
        self._take_fit(memory)
        memory.models.goods.new()  # the first to ask need not wait for the index
        self.memory, self._snapshot, self._read_at = memory, snapshot, time.monotonic()
        # What is loaded stays: the collector need not look through it again and again.
        gc.collect()
        gc.freeze()
        self._loaded.set()
        log.info("models loaded", seconds=round(time.monotonic() - began, 3))

    def _now(self) -> float:
        return self._clock().timestamp()

    async def _take_news(self) -> None:
        async with self._database.reader() as connection:
            row = await connection.fetchrow(_NEWS, self._snapshot)
            snapshot, written, self.applied_at, lag_ms = row  # type: ignore[misc]  # always one
            self.lag_ms = max(0, lag_ms or 0)
            if written:
                await self._apply(connection, [json.loads(each) for each in written])
        self._snapshot, self._read_at = snapshot, time.monotonic()

    async def _apply(self, connection: Any, written: Sequence[Mapping[str, list[Any]]]) -> None:
        def told(kind: str) -> list[Any]:
            return [each for changes in written for each in changes.get(kind, ())]

        memory, now = self.memory, self._now()
        # The facts before what is learnt from them: a product's category, an alias of who clicks.
        if skus := told("products"):
            for row in await connection.fetch(_PRODUCTS, skus):
                memory.describe(**dict(row), now=now)
        if identities := told("aliases"):
            for identity, customer_id in await connection.fetch(_ALIASES, identities):
                memory.alias(identity, customer_id)
        memory.erase(told("erased"))
        if customers := told("rejected_by"):
            for customer_id, given_back in await connection.fetch(_REJECTIONS, customers):
                memory.reject(customer_id, given_back)
        if order_ids := told("orders"):
            for row in await connection.fetch(loading.ORDERS_TOLD, order_ids):
                memory.order(Told(*row), now)
        if told("shop"):
            self.shop = await read_shop(connection)
        if told("fits"):
            self.fitted = await read_fit(connection)
            self._take_fit(memory)
        await self._take_views(told("views"), now)

    async def _take_views(self, views: Sequence[Any], now: float) -> None:
        for start in range(0, len(views), _PIECE):
            piece = views[start : start + _PIECE]
            began = time.perf_counter()
            for who, sku, at, added in piece:
                self.memory.view(who, sku, at, added=added, now=now)
            cost = (time.perf_counter() - began) / len(piece) * 1e6
            self.update_us += 0.1 * (cost - self.update_us)
            await asyncio.sleep(0)  # requests are answered in between

    def _take_fit(self, memory: Memory) -> None:
        if self.fitted is not None:
            memory.models.taste, memory.models.rhythms = self.fitted.numbered(memory.skus)
