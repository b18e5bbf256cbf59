"""The background half of a service: relay, consumer and timers, started and stopped together."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import progress
from perennial_events.consumer import Consumer
from perennial_events.database import Database
from perennial_events.log import Log
from perennial_events.relay import Relay
from perennial_events.subscriptions import Subscriptions
from perennial_events.timers import Clock, Timer, run_timers
from perennial_events.values import utc_now
from perennial_events.watchdog import watch

log = structlog.get_logger("worker")


class Worker:
    """Runs what a service does besides answering requests.

    `on_failure` is called once if a part ends by an unexpected exception; the service then stops,
    and whoever supervises it starts it again.
    """

    def __init__(
        self,
        database: Database,
        event_log: Log,
        *,
        group: str,
        url: str,
        subscriptions: Subscriptions,
        timers: tuple[Timer, ...] = (),
        clock: Clock = utc_now,
    ) -> None:
        self._database = database
        self._log = event_log
        self._timers = (*timers, Timer("inbox", 60.0, _forget_old))
        self._clock = clock
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._relay = Relay(
            url, source=database.source, event_log=event_log, committed=database.committed
        )
        self._consumer = Consumer(database, event_log, group, subscriptions)
        self._watched = (database, event_log, group, subscriptions.topics)
        self.consumes = bool(subscriptions.topics)

    def start(self, on_failure: Callable[[BaseException], None]) -> None:
        def ended(task: asyncio.Task[None]) -> None:
            if not task.cancelled() and (error := task.exception()) is not None:
                on_failure(error)

        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(ended)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._relay.run())
            group.create_task(run_timers(self._database, self._timers, self._clock, self._stopping))
            if self.consumes:
                group.create_task(self._consumer.run())
                group.create_task(watch(*self._watched, stopping=self._stopping))

    async def ready(self) -> bool:
        """Whether every part runs and the consumer has joined its group."""
        running = self._task is not None and not self._task.done()
        return running and (self._consumer.ready.is_set() or not self.consumes)

    async def stop(self, within_seconds: float = 5.0) -> None:
        """Finish the batch at hand, publish what waits, and end."""
        if self._task is None:
            return
        self._stopping.set()
        self._consumer.stop()
        self._relay.stop()
        done, pending = await asyncio.wait([self._task], timeout=within_seconds)
        for task in pending:
            task.cancel()
        await asyncio.gather(*done, *pending, return_exceptions=True)
        await self._log.close()


async def _forget_old(session: AsyncSession, now: datetime) -> int:
    return await progress.forget_old(session, now)
