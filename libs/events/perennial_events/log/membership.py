"""Consumer groups on PostgreSQL: who is alive, who reads which partition, and when to look."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from perennial_events.driver import Connection
from perennial_events.errors import LogUnavailable, is_transient
from perennial_events.log.base import Batch, Partition, Positions

HEARTBEAT_SECONDS = 1.0
FROZEN_AFTER = "10 s"
"""A member that is connected but was not seen for this long loses its partitions."""

UNRUNG_POLL_SECONDS = 0.5
"""How long a reader waits for the bell at most: an appender may die before it rings."""

LINGER_SECONDS = 0.008
"""How long a reader that was rung for waits for more at least: a transaction for ten events costs as
much as one for one, and the others that share the machine get the rest."""

_HEARTBEAT = f"""
    WITH beat AS (
        INSERT INTO members (consumer_group, member, topics, backend_pid)
        VALUES ($1, $2, $3, pg_backend_pid())
        ON CONFLICT (consumer_group, member) DO UPDATE SET seen_at = clock_timestamp()
    ), dead AS (
        DELETE FROM members m
        WHERE consumer_group = $1 AND member <> $2 AND (
            seen_at < clock_timestamp() - interval '{FROZEN_AFTER}'
            OR NOT EXISTS (SELECT FROM pg_stat_activity a WHERE a.pid = m.backend_pid))
        RETURNING member
    )
    SELECT member FROM members
    WHERE consumer_group = $1 AND member <> $2 AND member NOT IN (SELECT member FROM dead)
"""  # noqa: S608 - the only value put in is the constant above


def share(partitions: set[Partition], members: Sequence[UUID], member: UUID) -> set[Partition]:
    """The partitions that fall to `member`: dealt out in turn, the same in every member's eyes.

    Two members may see different lists for a moment and read the same partition; the offset row that
    each locks in its own transaction lets only one of them go on.
    """
    order = sorted(members)
    place = order.index(member)
    return {p for i, p in enumerate(sorted(partitions)) if i % len(order) == place}


class PostgresSubscription:
    """See `Subscription`."""

    def __init__(
        self,
        arguments: Mapping[str, Any],
        group: str,
        topics: Sequence[str],
        partitions: set[Partition],
        positions: Positions,
        read: Callable[[Mapping[Partition, int], int], Awaitable[Batch]],
        linger_seconds: float,
    ) -> None:
        self._arguments = arguments
        self._group = group
        self._topics = list(topics)
        self._partitions = partitions
        self._ask = positions
        self._read = read
        self._linger_seconds = max(linger_seconds, LINGER_SECONDS)
        self._member = uuid4()
        self._positions: dict[Partition, int] = {}
        self._unplaced: set[Partition] = set()
        self._bell = asyncio.Event()
        self._ears: Connection | None = None
        self._beat_at = 0.0

    @property
    def assigned(self) -> set[Partition]:
        return set(self._positions) | self._unplaced

    def seek(self, partitions: set[Partition]) -> None:
        self._unplaced |= partitions & self.assigned
        for partition in partitions:
            self._positions.pop(partition, None)

    async def fetch(self, limit: int, within: float) -> Batch:
        deadline = asyncio.get_running_loop().time() + within
        while True:
            await self._keep_membership()
            if self._unplaced:
                self._positions.update(await self._ask(self._unplaced))
                self._unplaced = set()
            self._bell.clear()
            self._take_turns()
            batch = await self._read(self._positions, limit)
            for partition, records in batch.items():
                self._positions[partition] = records[-1].offset + 1
            remaining = deadline - asyncio.get_running_loop().time()
            if batch or remaining <= 0:
                return batch
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._bell.wait(), min(remaining, UNRUNG_POLL_SECONDS))
                await asyncio.sleep(self._linger_seconds)

    def _take_turns(self) -> None:
        """Put the first partition last: a long backlog in one must not keep the others waiting."""
        if self._positions:
            first = next(iter(self._positions))
            self._positions[first] = self._positions.pop(first)

    async def _keep_membership(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._ears is not None and now < self._beat_at + HEARTBEAT_SECONDS:
            return
        try:
            if self._ears is None or self._ears.is_closed():
                self._ears = await asyncpg.connect(**self._arguments)
                for topic in self._topics:
                    await self._ears.add_listener(topic, self._heard)
            rows = await self._ears.fetch(_HEARTBEAT, self._group, self._member, self._topics)
        except Exception as error:
            if is_transient(error):
                raise LogUnavailable(f"the event log does not answer: {error}") from error
            raise
        self._beat_at = now
        mine = share(
            self._partitions, [self._member, *(row["member"] for row in rows)], self._member
        )
        gained, lost = mine - self.assigned, self.assigned - mine
        self._unplaced = (self._unplaced | gained) - lost
        for partition in lost:
            self._positions.pop(partition, None)

    def _heard(self, *_notification: object) -> None:
        self._bell.set()

    async def leave(self) -> None:
        """Give the partitions back at once."""
        if self._ears is not None and not self._ears.is_closed():
            with contextlib.suppress(Exception):  # the session's end says the same, a little later
                await self._ears.execute("DELETE FROM members WHERE member = $1", self._member)
            await self._ears.close(timeout=2)
