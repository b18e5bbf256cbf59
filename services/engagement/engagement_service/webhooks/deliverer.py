"""The deliverer: from the queue to the partners, at least once, by one leader.

The queue is the table: a row is pending until what became of its attempt is committed. So whoever leads
after a crash finds everything that was not finished, sends it again under the same `webhook-id`, and
nothing has to expire first. What is in memory is a few rows for each endpoint, so that a slow one has
its own two places and takes nobody else's.
"""

import asyncio
import contextlib
import random
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from prometheus_client import Counter

from engagement_service.webhooks import queue, rules
from engagement_service.webhooks.payloads import Addresses, body
from engagement_service.webhooks.queue import Due, GivenUp, Result
from perennial_events import Clock, Database
from perennial_events.errors import is_transient
from perennial_webhooks import Attempt, NoSecretKey, Sealer, Sender, secret_bytes, signed_headers

log = structlog.get_logger("webhooks")

ATTEMPTS = Counter(
    "perennial_webhook_attempts", "Attempts to deliver webhooks, by what came of them.", ["outcome"]
)

AT_HAND = 20
"""So many deliveries of one endpoint are read ahead."""

LOOK_SECONDS = 0.5
"""How soon a retry that falls due, a resumed endpoint or a new URL is seen."""

LINGER_SECONDS = 0.01
"""After an attempt has ended, so that one transaction writes down several."""

FOLLOWER_SECONDS = 1.0

_LEADERSHIP = "SELECT pg_try_advisory_lock(hashtext('perennial webhook deliverer'))"
_RESIGN = "SELECT pg_advisory_unlock(hashtext('perennial webhook deliverer'))"


@dataclass
class Lane:
    """What is at hand for one endpoint."""

    breaker: rules.Breaker
    waiting: deque[Due] = field(default_factory=deque)
    in_flight: int = 0
    drained: bool = False
    """Nothing more was due when last looked."""


class Deliverer:
    """Sends what is due, for as long as it runs and leads."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        sender: Sender,
        *,
        clock: Clock,
        queued: asyncio.Event,
        schedule: Sequence[float] = rules.RETRY_SECONDS,
        addresses: Addresses,
    ) -> None:
        self._database = database
        self._sealer = sealer
        self._sender = sender
        self._clock = clock
        self._queued = queued
        self._schedule = schedule
        self._addresses = addresses
        self._random = random.Random()  # noqa: S311 - jitter, not a secret
        self._reset()

    def _reset(self) -> None:
        self._lanes: dict[str, Lane] = {}
        self._held: set[int] = set()
        self._ended: list[tuple[Due, Attempt]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._bell = asyncio.Event()

    async def run(self) -> None:
        """Deliver until cancelled. Attempts in flight are then cut off, and made again by the next."""
        while True:
            try:
                async with self._leading() as connection:
                    await self._deliver(connection)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("waiting for the surroundings", error=str(error))
                await asyncio.sleep(FOLLOWER_SECONDS)
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)
                self._reset()

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[Any]:
        """A connection that holds the leadership. Every look into the queue goes through it, so that
        whoever has lost it finds out."""
        while True:
            async with self._database.connection() as connection:
                if await connection.fetchval(_LEADERSHIP):
                    try:
                        yield connection
                    finally:
                        if not connection.is_closed():
                            with contextlib.suppress(Exception):  # gone with its connection then
                                await connection.execute(_RESIGN)
                    return
            await asyncio.sleep(FOLLOWER_SECONDS)

    async def _deliver(self, connection: Any) -> None:
        loop = asyncio.get_running_loop()
        looked_at = loop.time()
        try:
            while True:
                self._bell.clear()
                await self._write_down()
                if loop.time() - looked_at >= LOOK_SECONDS:
                    self._look_again()
                    looked_at = loop.time()
                await self._fill(connection)
                self._send()
                await self._wait(looked_at + LOOK_SECONDS - loop.time())
        except asyncio.CancelledError:
            # What has arrived need not be sent again.
            await self._write_down()
            raise

    async def _wait(self, seconds: float) -> None:
        """Until an attempt has ended, events were queued, or it is time to look."""
        waits = [asyncio.create_task(each.wait()) for each in (self._bell, self._queued)]
        try:
            await asyncio.wait(
                waits, timeout=max(seconds, 0.0), return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for each in waits:
                each.cancel()
        if self._queued.is_set():
            # It rings inside of the transaction that queues.
            self._queued.clear()
            await self._database.wait_applied(LOOK_SECONDS)
            for lane in self._lanes.values():
                lane.drained = False
        if self._bell.is_set():
            await asyncio.sleep(LINGER_SECONDS)

    def _look_again(self) -> None:
        """Let go of what is at hand and not yet sent: endpoints may have been paused or changed."""
        for lane in self._lanes.values():
            self._held.difference_update(each.delivery_id for each in lane.waiting)
            lane.waiting.clear()
            lane.drained = False
        ended = {due.endpoint_id for due, _ in self._ended}
        self._lanes = {
            id: lane for id, lane in self._lanes.items() if lane.in_flight or id in ended
        }

    async def _fill(self, connection: Any) -> None:
        """Read ahead for the endpoints that have little left."""
        now = self._clock()
        full = [
            id
            for id, lane in self._lanes.items()
            if lane.drained
            or len(lane.waiting) >= AT_HAND // 2
            or not lane.breaker.lets_through(now)
        ]
        found = await queue.due(connection, now, self._held, full, AT_HAND)
        counts: dict[str, int] = {}
        for each in found:
            lane = self._lanes.setdefault(each.endpoint_id, Lane(each.breaker))
            lane.waiting.append(each)
            self._held.add(each.delivery_id)
            counts[each.endpoint_id] = counts.get(each.endpoint_id, 0) + 1
        for id, lane in self._lanes.items():
            if id not in full and counts.get(id, 0) < AT_HAND:
                lane.drained = True

    def _send(self) -> None:
        now = self._clock()
        for lane in self._lanes.values():
            while (
                lane.waiting
                and lane.in_flight < lane.breaker.at_once
                and lane.breaker.lets_through(now)
            ):
                lane.in_flight += 1
                task = asyncio.create_task(self._attempt(lane, lane.waiting.popleft(), now))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _attempt(self, lane: Lane, due: Due, now: datetime) -> None:
        try:
            attempt = await self._post(due, now)
        except Exception:  # one event that cannot be sent must not end all others
            log.exception("an attempt went wrong on our side", delivery_id=due.delivery_id)
            attempt = Attempt(None, "internal")
        ATTEMPTS.labels("delivered" if attempt.delivered else "failed").inc()
        lane.in_flight -= 1
        self._ended.append((due, attempt))
        self._bell.set()
        if attempt.delivered and lane.breaker == rules.Breaker():
            self._send()

    async def _post(self, due: Due, now: datetime) -> Attempt:
        sealed = [due.secret]
        if due.previous_secret and due.previous_until and due.previous_until > now:
            sealed.append(due.previous_secret)
        try:
            keys = [secret_bytes(self._sealer.open(each)) for each in sealed]
        except NoSecretKey:
            log.warning("an endpoint's secret cannot be opened", endpoint_id=due.endpoint_id)
            return Attempt(None, "secret")
        written = body(due.type, due.at, due.data, due.payload, self._addresses)
        headers = signed_headers(keys, str(due.event_id), int(now.timestamp()), written)
        headers |= {"content-type": "application/json", "user-agent": "Perennial-Webhooks/1"}
        return await self._sender.post(due.url, headers, written)

    async def _write_down(self) -> None:
        """What became of the attempts that have ended, in one transaction."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        now = self._clock()
        results, changed, given_up = [], {}, {}
        for due, attempt in ended:
            lane = self._lanes[due.endpoint_id]
            asked = rules.retry_after(attempt.status, attempt.retry_after, now)
            before = lane.breaker
            if attempt.delivered:
                lane.breaker = before.succeeded()
            else:
                lane.breaker = before.failed(now, self._schedule, asked)
                if (reason := _given_up(lane.breaker, attempt, now)) is not None:
                    given_up[due.endpoint_id] = reason
            if lane.breaker != before:
                changed[due.endpoint_id] = lane.breaker
            delay = rules.retry_delay(
                self._schedule, due.attempts + 1, self._random.random(), asked
            )
            results.append(_result(due, attempt, now, None if delay is None else now + delay))
        async with self._database.transaction() as session:
            disabled = await queue.record(session, results, changed, given_up, now)
        for id in disabled:
            log.error("webhook endpoint disabled", endpoint_id=id, note=given_up[id].note)
        self._held.difference_update(due.delivery_id for due, _ in ended)
        for due, _ in ended:
            self._lanes[due.endpoint_id].drained = False


def _given_up(breaker: rules.Breaker, attempt: Attempt, now: datetime) -> GivenUp | None:
    if attempt.status == 410:
        return GivenUp("gone", 410, "The receiver answered 410 Gone.")
    if breaker.given_up(now):
        last = f"status {attempt.status}" if attempt.status else attempt.failure
        return GivenUp(
            "failing",
            attempt.status,
            f"Nothing but failure for five days, {last} at last. Once the receiver is mended: resume,"
            " then replay what it missed.",
        )
    return None


def _result(due: Due, attempt: Attempt, now: datetime, next_at: datetime | None) -> Result:
    if attempt.delivered:
        return Result(due.delivery_id, "delivered", now, attempt.status, None, now)
    failure = attempt.failure
    if next_at is None:
        return Result(due.delivery_id, "failed", now, attempt.status, failure, now)
    return Result(due.delivery_id, "pending", next_at, attempt.status, failure, None)
