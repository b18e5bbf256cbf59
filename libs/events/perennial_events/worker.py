"""The background half of a service: relay, consumer and timers, started and stopped together."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import parked, progress
from perennial_events.consumer import Consumer
from perennial_events.database import Database
from perennial_events.log import Log
from perennial_events.rebuild import Rebuild, Rebuilt, UnknownProjection
from perennial_events.relay import Relay
from perennial_events.subscriptions import Subscriptions
from perennial_events.timers import Clock, Timer, run_timers
from perennial_events.values import utc_now
from perennial_events.watchdog import Lag, lag, since_when, watch


class Worker:
    """Runs what a service does besides answering requests.

    For `linger_seconds` an event may wait for others to be taken with it: a service that is read right
    after its events takes less. `on_failure` is called once if a part ends by an unexpected exception;
    the service then stops, and whoever supervises it starts it again.
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
        linger_seconds: float = 0.1,
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
        self._consumer = Consumer(
            database, event_log, group, subscriptions, linger_seconds=linger_seconds
        )
        self.group = group
        self.subscriptions = subscriptions

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
            group.create_task(self._consumer.run())
            group.create_task(
                watch(
                    self._database, self._log, self.group, self.subscriptions.topics, self._stopping
                )
            )

    async def ready(self) -> bool:
        """Whether every part runs and the consumer has joined its group."""
        running = self._task is not None and not self._task.done()
        return running and self._consumer.ready.is_set()

    async def lag(self) -> list[Lag]:
        """How far the group is behind, by partition, and since when."""
        async with self._database.reading() as session:
            lags = await lag(session, self._log, self.group, self.subscriptions.topics)
        return await since_when(self._log, lags)

    async def retry_parked(self, key: parked.Key) -> tuple[int, str | None]:
        """Apply what is parked for a topic's key, in order; see `parked.retry`."""
        return await parked.retry(self._database, self.group, self.subscriptions, *key)

    async def rebuild(
        self, name: str, on_progress: Callable[[int, int], None], *, accept_difference: bool
    ) -> Rebuilt:
        """Rebuild the projection of this name beside the live one, and swap them.

        Raises `UnknownProjection`, and what `Rebuild.run` raises.
        """
        projections = {each.name: each for each in self.subscriptions.projections}
        if name not in projections:
            raise UnknownProjection(
                f"{self.group} has no projection {name}; it has: {', '.join(projections) or 'none'}"
            )
        rebuild = Rebuild(self._database, self._log, self.group, projections[name], on_progress)
        return await rebuild.run(accept_difference=accept_difference)

    async def stop(self, within_seconds: float = 5.0) -> None:
        """Finish the batch at hand, publish what waits, and end."""
        self._stopping.set()
        self._consumer.stop()
        self._relay.stop()
        if self._task is not None:
            done, pending = await asyncio.wait([self._task], timeout=within_seconds)
            for task in pending:
                task.cancel()
            await asyncio.gather(*done, *pending, return_exceptions=True)
        await self._log.close()


async def _forget_old(session: AsyncSession, now: datetime) -> int:
    return await progress.forget_old(session, now)
