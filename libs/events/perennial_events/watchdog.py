"""A consumer may stall without a word (aiokafka issues 847 and 1037): then the process had better end."""

import asyncio
import contextlib
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import progress
from perennial_events.database import Database
from perennial_events.errors import EventError, is_transient
from perennial_events.log import Log, Partition

STALLED_SECONDS = 60.0
LOOK_SECONDS = 10.0


class Stalled(EventError):
    """There are events to read, and for a minute none was."""


class Lag(NamedTuple):
    """How far one consumer group is behind in one partition, and since when its next event waits."""

    partition: Partition
    position: int
    end: int
    waiting_since: datetime | None = None

    @property
    def events(self) -> int:
        return max(0, self.end - self.position)


async def lag(
    session: AsyncSession, event_log: Log, group: str, topics: Sequence[str]
) -> list[Lag]:
    """How many events the group has still to apply, by partition."""
    starts, ends = await event_log.starts(topics), await event_log.ends(topics)
    positions = await progress.positions(session, group, list(ends))
    return [
        Lag(partition, max(positions[partition], starts[partition]), end)
        for partition, end in sorted(ends.items())
    ]


async def since_when(event_log: Log, lags: Sequence[Lag]) -> list[Lag]:
    """The same, with the time at which the first event that waits was appended."""
    behind = {entry.partition: entry.position for entry in lags if entry.events}
    found: dict[Partition, datetime] = {}
    for partition, position in behind.items():  # one partition a read, so that each gives its first
        for records in (await event_log.read({partition: position}, 1)).values():
            found[partition] = records[0].appended_at
    return [entry._replace(waiting_since=found.get(entry.partition)) for entry in lags]


async def watch(
    database: Database, event_log: Log, group: str, topics: Sequence[str], stopping: asyncio.Event
) -> None:
    """Raise `Stalled` if the group is behind and has not moved for a minute.

    A member that owns nothing sees the others' progress, and is content.
    """
    loop = asyncio.get_running_loop()
    seen: dict[Partition, int] = {}
    moved_at = loop.time()
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOK_SECONDS)
        try:
            async with database.reading() as session:
                lags = await lag(session, event_log, group, topics)
        except Exception as error:
            if not is_transient(error):
                raise
            moved_at = loop.time()  # the surroundings are at fault, not the consumer
            continue
        positions = {entry.partition: entry.position for entry in lags}
        if positions != seen or not any(entry.events for entry in lags):
            seen, moved_at = positions, loop.time()
        elif loop.time() - moved_at > STALLED_SECONDS:
            raise Stalled(f"{group} is behind and has not moved for {STALLED_SECONDS:.0f} s")
