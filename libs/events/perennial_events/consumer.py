"""The consumer: from the log into this service's database, each event with effect exactly once.

A fetch becomes one transaction: lock the stored offsets, drop what the inbox knows, apply the rest
set-wise, write the events that this led to, move the offsets, commit. Several partitions share the
transaction, which is as atomic and needs fewer commits; what makes it exact is that offsets and
effects commit together, whoever else believes to own a partition.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Sequence

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import outbox, parked, progress
from perennial_events.database import Database
from perennial_events.envelope import Record
from perennial_events.errors import (
    Fenced,
    is_permanent,
    is_transient,
)
from perennial_events.log import Batch, Log, Partition, Subscription
from perennial_events.pressure import Pressure, turn_of_others
from perennial_events.subscriptions import Opened, Subscriptions, open_records

log = structlog.get_logger("consumer")

BATCH_RECORDS = 2_000
BACKLOG_RECORDS = BATCH_RECORDS // 2
"""A batch of so many is a backlog: whoever reads it is late already, by about as many events."""

FETCH_SECONDS = 1.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 10.0

Apply = Callable[[AsyncSession, Sequence[Record], Opened], Awaitable[None]]


class Consumer:
    """One member of a service's consumer group."""

    def __init__(
        self,
        database: Database,
        event_log: Log,
        group: str,
        subscriptions: Subscriptions,
        *,
        linger_seconds: float = 0.0,
    ) -> None:
        self._database = database
        self._log = event_log
        self._group = group
        self._subscriptions = subscriptions
        self._linger_seconds = linger_seconds
        self._positions: dict[Partition, int] = {}
        self._pause = FIRST_PAUSE_SECONDS
        self._pressure = Pressure()
        self._stopping = asyncio.Event()
        self.ready = asyncio.Event()

    def stop(self) -> None:
        """End after the batch at hand."""
        self._stopping.set()

    async def run(self) -> None:
        """Consume until stopped. A failure that is neither the event's nor the surroundings' is
        raised: the process ends, and the events come again."""
        while not self._stopping.is_set():
            try:
                async with self._log.subscribe(
                    self._group,
                    self._subscriptions.topics,
                    self._load_positions,
                    linger_seconds=self._linger_seconds,
                ) as subscription:
                    while not self._stopping.is_set():
                        await self._consume(subscription)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("waiting for the surroundings", group=self._group, error=str(error))
                await self._wait_longer()

    async def _consume(self, subscription: Subscription) -> None:
        """Apply batch after batch until stopped, or until one was fenced.

        Of a backlog the next batch is fetched while one is applied: the database works on the one and
        this process on the other. Of a trickle it is fetched afterwards, when more has come together.
        """
        stopping = asyncio.create_task(self._stopping.wait())
        following = asyncio.create_task(self._fetch(subscription, {}))
        try:
            while True:
                await asyncio.wait([following, stopping], return_when=asyncio.FIRST_COMPLETED)
                if stopping.done():
                    return
                batch = following.result()
                self.ready.set()
                if _size(batch) >= BACKLOG_RECORDS:
                    following = asyncio.create_task(self._fetch(subscription, batch))
                    await self._apply_and_give_way(batch)
                else:
                    await self._apply(batch)
                    following = asyncio.create_task(self._fetch(subscription, batch))
        except Fenced as fenced:
            log.info("another member moved on", group=self._group, detail=str(fenced))
        finally:
            stopping.cancel()
            following.cancel()
            await asyncio.gather(stopping, following, return_exceptions=True)
            # What was fetched ahead is not applied: whoever goes on asks where to.
            subscription.seek(subscription.assigned)

    async def _apply_and_give_way(self, batch: Batch) -> None:
        """Apply a batch of a backlog, and leave the next turns to others where this was in their way."""
        self._pressure.begin()
        began = time.monotonic()
        await self._apply(batch)
        turn = turn_of_others(time.monotonic() - began, self._pressure.end())
        if turn:
            await self._wait(turn)

    async def _fetch(self, subscription: Subscription, before: Batch) -> Batch:
        """The next batch. While events trickle in it lingers, so that one transaction takes many."""
        if 0 < _size(before) < BACKLOG_RECORDS:
            await asyncio.sleep(self._linger_seconds)
        return await subscription.fetch(BATCH_RECORDS, FETCH_SECONDS)

    async def _load_positions(self, partitions: set[Partition]) -> dict[Partition, int]:
        async with self._database.transaction() as session:
            stored = await progress.lock_positions(session, self._group, partitions)
        self._positions.update(stored)
        return stored

    async def _apply(self, batch: Batch) -> None:
        """Bring one fetch into the database; where an event is at fault, again with care."""
        if not batch:
            return
        try:
            applied = await self._transact(batch, self._subscriptions.apply_records)
        except Exception as error:
            if not is_permanent(error):
                raise
            await self._transact(batch, self._apply_or_park)
            applied = ()  # some were parked: whoever waits looks for itself
        self._pause = FIRST_PAUSE_SECONDS
        self._database.announce_applied(record.envelope.id for record in applied)

    async def _transact(self, batch: Batch, apply: Apply) -> Sequence[Record]:
        """Apply what is new of a batch and move on, in one transaction; return what was applied."""
        last = {partition: records[-1] for partition, records in batch.items()}
        expected = {partition: self._positions[partition] for partition in batch}
        wanted = [
            record
            for records in batch.values()
            for record in records
            if self._subscriptions.wants(record.envelope.type)
        ]
        # Meanwhile: the database is busy with the inbox for as long as this process is with decoding.
        opening = asyncio.create_task(open_records(wanted))
        try:
            async with self._database.transaction() as session:
                records, parked_events = await progress.begin_batch(
                    session, self._group, expected, wanted
                )
                if parked_events:
                    records = await self._behind_parked(session, records)
                await apply(session, records, await opening)
                emitted = bool(outbox.collected(session))
                await progress.move(session, self._group, last, emitted=emitted)
        finally:
            opening.cancel()
        self._positions.update({p: record.offset + 1 for p, record in last.items()})
        return records

    async def _behind_parked(
        self, session: AsyncSession, records: Sequence[Record]
    ) -> Sequence[Record]:
        """Queue records whose key has a parked event, and return the others."""
        waiting = await parked.waiting_keys(session)
        if not waiting:
            return records
        behind = [r for r in records if (r.envelope.topic, r.envelope.key) in waiting]
        await parked.park(session, [(record, None) for record in behind])
        return [r for r in records if (r.envelope.topic, r.envelope.key) not in waiting]

    async def _apply_or_park(
        self, session: AsyncSession, records: Sequence[Record], opened: Opened
    ) -> None:
        """Apply the records; where one cannot be applied, find it by halving, and park it."""
        if not records:
            return
        emitted = outbox.collected(session)
        try:
            # A failed statement ends a PostgreSQL transaction; a savepoint confines it.
            async with session.begin_nested():
                await self._subscriptions.apply_records(session, records, opened)
        except Exception as error:
            if not is_permanent(error):
                raise
            outbox.restore(session, emitted)
            if len(records) == 1:
                await self._park(session, records[0], error)
                return
            half = len(records) // 2
            await self._apply_or_park(session, records[:half], opened)
            ready = await self._behind_parked(session, records[half:])
            await self._apply_or_park(session, ready, opened)

    async def _park(self, session: AsyncSession, record: Record, error: Exception) -> None:
        envelope = record.envelope
        log.error(
            "event parked",
            group=self._group,
            event_id=str(envelope.id),
            type=envelope.type,
            key=envelope.key,
            reason=parked.reason_of(error),
        )
        await parked.park(session, [(record, parked.reason_of(error))])

    async def _wait_longer(self) -> None:
        # Jitter, so that members that failed together do not come back together.
        jittered = self._pause * (0.5 + random.random())  # noqa: S311 - not for secrets
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
        await self._wait(jittered)

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def _size(batch: Batch) -> int:
    return sum(map(len, batch.values()))
