"""Work that the clock brings about: rows with a due time, claimed, done and removed in one transaction."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.database import Database
from perennial_events.errors import is_transient

log = structlog.get_logger("timers")

Clock = Callable[[], datetime]

Due = Callable[[AsyncSession, datetime], Awaitable[int]]
"""Does what is due at the given time, some rows at once, and returns how many there were.

It claims its rows with `FOR UPDATE SKIP LOCKED`, so that several workers share them.
"""


@dataclass(frozen=True)
class Timer:
    name: str
    every_seconds: float
    due: Due


async def run_timers(
    database: Database, timers: tuple[Timer, ...], clock: Clock, stopping: asyncio.Event
) -> None:
    """Run each timer at its pace until `stopping`."""
    async with asyncio.TaskGroup() as group:
        for timer in timers:
            group.create_task(_run(database, timer, clock, stopping))


async def _run(database: Database, timer: Timer, clock: Clock, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        try:
            while await run_due(database, timer, clock()) and not stopping.is_set():
                pass  # there may be more than one transaction's worth
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("waiting for the surroundings", timer=timer.name, error=str(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), timer.every_seconds)


async def run_due(database: Database, timer: Timer, now: datetime) -> int:
    """One transaction of a timer's work."""
    async with database.transaction() as session:
        return await timer.due(session, now)
