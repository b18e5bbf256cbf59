"""A service's own PostgreSQL database, and the one place that commits."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.util import greenlet_spawn

from perennial_events import outbox
from perennial_events.driver import Connection, connect_arguments, leave_as_it_is
from perennial_events.envelope import Event
from perennial_events.values import utc_now

STATEMENT_TIMEOUT = "15s"
IDLE_IN_TRANSACTION_TIMEOUT = "30s"
"""A request cut off in the middle must not hold its locks for ever."""

READERS = 4
"""Connections for `reader`: what they are asked is short, and the processors are few."""

CLOSE_SECONDS = 2.0


class Database:
    """Connections, transactions and the outbox of one service.

    `committed` is set after each transaction that emitted events: the relay waits for it.
    """

    def __init__(self, url: str, *, source: str, pool_size: int = 8) -> None:
        self.source = source
        self.committed = asyncio.Event()
        self._applied: asyncio.Future[frozenset[UUID]] | None = None
        self._url = url
        self._server_settings = {
            "application_name": source,
            "timezone": "UTC",
            "statement_timeout": STATEMENT_TIMEOUT,
            "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_TIMEOUT,
        }
        self._readers: asyncpg.Pool[Any] | None = None
        self.engine = create_async_engine(
            url,
            # No overflow: SQLAlchemy closes such a connection when it comes back, so that under load
            # nearly every request would start a PostgreSQL process of its own.
            pool_size=pool_size,
            max_overflow=0,
            # The same few are used as long as they suffice: each keeps its own plans and caches.
            pool_use_lifo=True,
            pool_recycle=1800,
            # Errors are logged; what customers wrote must not be.
            hide_parameters=True,
            connect_args={"server_settings": self._server_settings},
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self._reading = async_sessionmaker(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"), autoflush=False
        )

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One request's or one batch's work: all of it commits at the end, its events with it."""
        async with self._sessions() as session:
            yield session
            await session.flush()
            emitted = await outbox.write(session)
            await session.commit()
            if emitted:
                self.committed.set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A session for reads: each statement stands alone, so that it costs one round trip."""
        async with self._reading() as session:
            yield session

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """The driver's own connection, for work past SQLAlchemy that opens its transactions itself."""
        pooled = await self.engine.raw_connection()
        connection = cast(Connection, pooled.driver_connection)
        try:
            yield connection
        finally:
            give_back = pooled.invalidate if connection.is_closed() else pooled.close
            await greenlet_spawn(give_back)

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Connection]:
        """The driver's own connection for single reads that are many: a session costs more than they do.

        Their plans are kept. Left to itself PostgreSQL weighs a kept plan against what planning for the
        very arguments brought so far, and while tables grow the past is always cheaper: it would plan a
        long statement anew each time, which takes longer than to answer it.
        """
        if self._readers is None:
            self._readers = asyncpg.create_pool(
                **connect_arguments(self._url),
                min_size=0,
                max_size=READERS,
                reset=leave_as_it_is,
                server_settings=self._server_settings | {"plan_cache_mode": "force_generic_plan"},
            )
        async with (await self._readers).acquire() as connection:
            yield cast(Connection, connection)

    def announce_applied(self, event_ids: Iterable[UUID] = ()) -> None:
        """Tell whoever waits for it that a batch with these events was applied."""
        if self._applied is not None:
            self._applied.set_result(frozenset(event_ids))
            self._applied = None

    def next_applied(self) -> "asyncio.Future[frozenset[UUID]]":
        """The events of the next batch that this process applies. Shared: to be waited for, only."""
        if self._applied is None:
            self._applied = asyncio.get_running_loop().create_future()
        return self._applied

    async def wait_applied(self, seconds: float) -> None:
        """Return when this process has applied another batch of events, or after `seconds`."""
        await asyncio.wait([self.next_applied()], timeout=seconds)

    async def close(self) -> None:
        if self._readers is not None:
            # Ended by force where one still waits for its answer: nothing that reads holds up a stop.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._readers.close(), CLOSE_SECONDS)
        await self.engine.dispose()


def emit(
    session: AsyncSession,
    *events: Event,
    at: datetime | None = None,
    imported: bool = False,
    cause: UUID | None = None,
) -> None:
    """Publish `events` if, and only if, this session's transaction commits.

    `at` is when the facts happened (default now). `cause` is the id of the event that led to them:
    ids then derive from it, so that a second run of the same cause makes the same events.
    """
    outbox.collect(session, events, at=at or utc_now(), imported=imported, cause=cause)
