"""Rebuild a projection from the log beside the live one, compare the two, and swap them without a gap.

The new tables grow in a schema of their own. Work there runs with that schema first in the search
path, so the projection's own code fills them, unchanged. At the end the live consumer is held at its
offset rows for a moment, the last events are applied, and the tables change places in one transaction.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import parked, progress
from perennial_events.database import Database
from perennial_events.envelope import Record
from perennial_events.errors import EventError
from perennial_events.log import Log, Partition
from perennial_events.subscriptions import Projection, Subscriptions, open_records

log = structlog.get_logger("rebuild")

BATCH_RECORDS = 5_000
NEAR_THE_END = 2_000
"""With this few events to go, the live consumer is made to wait for the rest and the swap."""


class UnknownProjection(EventError):
    """The service has no projection of that name."""


class RebuildDiffers(EventError):
    """The rebuilt projection is not equal to the live one. The live one was left in place."""


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild did. `checksums` has, for each table, the live and the rebuilt one's."""

    events: int
    seconds: float
    checksums: dict[str, tuple[str, str]]

    @property
    def equal(self) -> bool:
        return all(live == rebuilt for live, rebuilt in self.checksums.values())


class Rebuild:
    """One rebuild of `projection`. `on_progress(done, total)` is called after each batch."""

    def __init__(
        self,
        database: Database,
        event_log: Log,
        group: str,
        projection: Projection,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        self._database = database
        self._log = event_log
        self._group = group
        self._projection = projection
        self._subscriptions = Subscriptions(projections=(projection,))
        self._on_progress = on_progress
        self._schema = f"rebuild_{projection.name}"
        self._positions: dict[Partition, int] = {}
        self._events = 0

    async def run(self, *, accept_difference: bool = False) -> Rebuilt:
        """Rebuild, compare, swap.

        Raises `RebuildDiffers`, and keeps the live tables, if the checksums differ and that was not
        accepted beforehand (a rebuild may be just the mending of a projection that was wrong).
        """
        started = time.monotonic()
        await self._prepare()
        try:
            while await self._catch_up() > NEAR_THE_END:
                pass
            checksums = await self._swap(accept_difference=accept_difference)
        finally:
            await self._drop(self._schema)
        return Rebuilt(self._events, time.monotonic() - started, checksums)

    async def _prepare(self) -> None:
        await self._drop(self._schema)
        async with self._database.transaction() as session:
            await session.execute(text(f"CREATE SCHEMA {self._schema}"))
            for table in (*self._projection.tables, "inbox"):
                await session.execute(
                    text(f"CREATE TABLE {self._schema}.{table} (LIKE public.{table} INCLUDING ALL)")
                )
        self._positions = await self._log.starts(self._subscriptions.topics)

    async def _catch_up(self) -> int:
        """Apply what the live projection has and this one has not yet; return how many those were."""
        async with self._database.reading() as session:
            live = await progress.positions(session, self._group, list(self._positions))
        to_do = self._behind(live)
        while self._behind(live):
            async with self._database.transaction() as session:
                await self._apply_batch(session, live)
            self._on_progress(self._events, self._events + self._behind(live))
        return to_do

    def _behind(self, live: dict[Partition, int]) -> int:
        return sum(max(0, live[p] - position) for p, position in self._positions.items())

    async def _apply_batch(self, session: AsyncSession, live: dict[Partition, int]) -> None:
        """Apply one read, at most up to the live positions."""
        wanted = {p: position for p, position in self._positions.items() if position < live[p]}
        batch = await self._log.read(wanted, BATCH_RECORDS)
        records: list[Record] = []
        for partition, found in batch.items():
            kept = [record for record in found if record.offset < live[partition]]
            self._events += len(kept)
            self._positions[partition] = min(found[-1].offset + 1, live[partition])
            records += [r for r in kept if self._subscriptions.wants(r.envelope.type)]
        await session.execute(text(f"SET LOCAL search_path = {self._schema}, public"))
        await session.execute(text("SET LOCAL synchronous_commit = off"))
        fresh = await progress.unseen(session, records)
        # What the live projection has set aside must not be in this one either.
        withheld = await parked.withheld(session)
        due = [record for record in fresh if record.envelope.id not in withheld]
        await self._subscriptions.apply_records(session, due, await open_records(due))

    async def _swap(self, *, accept_difference: bool) -> dict[str, tuple[str, str]]:
        retired = f"retired_{self._projection.name}"
        await self._drop(retired)
        async with self._database.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = '10min'"))
            live = await progress.lock_positions(session, self._group, list(self._positions))
            while self._behind(live):
                await self._apply_batch(session, live)
            await session.execute(text("SET LOCAL search_path = public"))
            checksums = {
                table: (
                    await checksum(session, f"public.{table}"),
                    await checksum(session, f"{self._schema}.{table}"),
                )
                for table in self._projection.tables
            }
            differing = [table for table, (was, now) in checksums.items() if was != now]
            if differing and not accept_difference:
                raise RebuildDiffers(f"rebuilt {', '.join(differing)} differ from the live tables")
            await session.execute(text(f"CREATE SCHEMA {retired}"))
            for table in self._projection.tables:
                await session.execute(text(f"ALTER TABLE public.{table} SET SCHEMA {retired}"))
                await session.execute(text(f"ALTER TABLE {self._schema}.{table} SET SCHEMA public"))
        await self._drop(retired)
        return checksums

    async def _drop(self, schema: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))


async def checksum(session: AsyncSession, table: str) -> str:
    """A fingerprint of a table's rows, whatever order they stand in: their number and hash sum."""
    row = (
        await session.execute(
            text(
                f"SELECT count(*), coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)"  # noqa: S608 - names of our own tables
                f" FROM {table} AS t"
            )
        )
    ).one()
    return f"{row[0]}:{row[1]}"
