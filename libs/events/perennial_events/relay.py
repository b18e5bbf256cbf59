"""The relay: from the outbox to the log, in order, at least once, by one leader a service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any

import asyncpg
import structlog

from perennial_events.driver import Connection, connect_arguments
from perennial_events.envelope import Envelope
from perennial_events.errors import is_transient
from perennial_events.log import Log

log = structlog.get_logger("relay")

BATCH_ROWS = 1_000
POLL_SECONDS = 0.05
"""How soon rows of other processes are seen while they write; those of this process ring at once."""

IDLE_POLL_SECONDS = 0.4
"""How soon the first row of another process is seen, after it wrote none for a while. Where there is no
other process, every look is in vain, and five services that look twenty times a second are felt."""

LINGER_SECONDS = 0.012
"""After the first commit, so that those beside it travel along."""

FOLLOWER_SECONDS = 1.0
"""How often a relay that does not lead tries to."""

_LEADERSHIP = "SELECT pg_try_advisory_lock(hashtext('perennial outbox relay'))"

# By presence, in id order. Never `id > last seen` (a late committer would be skipped), never SKIP
# LOCKED (two relays would invert what they share).
_WAITING = """
    SELECT id, event_id, type, subject, time, key, imported, data FROM outbox ORDER BY id LIMIT $1
"""


class Relay:
    """Publishes the outbox of the database at `url` as events of `source`."""

    def __init__(self, url: str, *, source: str, event_log: Log, committed: asyncio.Event) -> None:
        self._arguments = connect_arguments(url)
        self._source = source
        self._log = event_log
        self._committed = committed
        self._poll = POLL_SECONDS
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End when the outbox is empty, or at the next failure."""
        self._stopping.set()
        self._committed.set()

    async def run(self) -> None:
        while not self._stopping.is_set():
            try:
                async with self._leading() as connection:
                    await self._publish_until_stopped(connection)
            except Exception as error:
                if not is_transient(error):
                    raise
                log.warning("waiting for the surroundings", error=str(error))
                await asyncio.sleep(0 if self._stopping.is_set() else FOLLOWER_SECONDS / 2)

    @asynccontextmanager
    async def _leading(self) -> AsyncIterator[Connection]:
        """A connection that holds the leadership for as long as it lives."""
        connection = await asyncpg.connect(
            **self._arguments,
            command_timeout=10,
            # Losing a deletion in a crash only sends its event again.
            server_settings={
                "application_name": "perennial-relay",
                "synchronous_commit": "off",
                "plan_cache_mode": "force_generic_plan",
            },
        )
        try:
            while not await connection.fetchval(_LEADERSHIP):
                if self._stopping.is_set():
                    break
                await self._wait(FOLLOWER_SECONDS)
            yield connection
        finally:
            with contextlib.suppress(
                Exception
            ):  # a broken connection has given up its lock already
                await connection.close(timeout=2)

    async def _publish_until_stopped(self, connection: Connection) -> None:
        rung = True
        while True:
            self._committed.clear()
            published = await self.publish(connection)
            if published == 0 and self._stopping.is_set():
                return
            if not rung:
                self._poll = POLL_SECONDS if published else min(2 * self._poll, IDLE_POLL_SECONDS)
            if published < BATCH_ROWS:
                rung = await self._wait(self._poll)

    async def publish(self, connection: Connection) -> int:
        """Send what waits, and delete what the log acknowledged; return how many rows that was."""
        rows = await connection.fetch(_WAITING, BATCH_ROWS)
        if rows:
            await self._log.append([self._envelope(row) for row in rows])
            await connection.execute(
                "DELETE FROM outbox WHERE id = ANY ($1::bigint[])", [row["id"] for row in rows]
            )
        return len(rows)

    def _envelope(self, row: Any) -> Envelope:
        return Envelope(
            id=row["event_id"],
            type=row["type"],
            source=self._source,
            subject=row["subject"],
            time=row["time"].astimezone(UTC),
            key=row["key"],
            imported=row["imported"],
            data=row["data"],
        )

    async def _wait(self, seconds: float) -> bool:
        """Wait until this process commits events, or for so long; say whether it did."""
        try:
            await asyncio.wait_for(self._committed.wait(), seconds)
        except TimeoutError:
            return False
        await asyncio.sleep(LINGER_SECONDS)
        return True
