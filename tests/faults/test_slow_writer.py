"""A writer that holds its outbox transaction open while a thousand others commit."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from perennial_events import Database, emit, open_log, outbox
from perennial_events.consumer import Consumer
from perennial_events.relay import Relay
from perennial_events.testing import MakeDatabase
from perennial_http.testing import until
from tests.faults.ledger import TABLES, ledger, numbered, subscriptions

EACH = 112
"""Of nine others, so that they commit a thousand."""

ROWS_BEHIND = text("SELECT id, event_id FROM outbox WHERE id > :last ORDER BY id LIMIT 1000")


class NaiveCursor:
    """What many relays do: remember the last id, and ask for those behind it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._last = 0
        self.found: set[UUID] = set()

    async def scan(self) -> int:
        """Take what stands behind the cursor; answers with how many that was."""
        async with self._database.reading() as session:
            rows = (await session.execute(ROWS_BEHIND, {"last": self._last})).all()
        for self._last, event_id in rows:
            self.found.add(event_id)
        return len(rows)


async def commit_all(database: Database, keys: Sequence[str]) -> None:
    """Each customer's events, every one in a transaction of its own, customers side by side."""

    async def write(key: str) -> None:
        for number in range(EACH):
            async with database.transaction() as session:
                emit(session, numbered(key, number))

    await asyncio.gather(*(write(key) for key in keys))


async def test_the_relay_skips_nothing(
    topics: str, database: Database, ledger_url: str, keys: list[str], group: str
) -> None:
    slow, *others = keys
    log = open_log(topics)
    relay = Relay(ledger_url, source="/perennial/test", event_log=log, committed=database.committed)
    consumer = Consumer(database, log, group, subscriptions())

    async def applied(key: str, count: int) -> bool:
        return len((await ledger(database)).get(key, ())) == count

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run())
        tasks.create_task(consumer.run())
        async with database.transaction() as held_open:
            emit(held_open, numbered(slow, 0))
            # Its row has its id before all others do; its commit comes last.
            await outbox.write(held_open)
            await commit_all(database, others)
            for key in others:
                await until(lambda key=key: applied(key, EACH), within=30)  # type: ignore[misc]
            assert await applied(slow, 0)
        database.committed.set()
        await until(lambda: applied(slow, 1), within=10)
        relay.stop()
        consumer.stop()
    assert await ledger(database) == {slow: [0], **{key: list(range(EACH)) for key in others}}
    await log.close()


async def test_a_naive_cursor_would_have_lost_the_late_one(
    make_database: MakeDatabase, keys: list[str]
) -> None:
    """The same history before a relay that asks for `id > last seen`."""
    slow, *others = keys
    database = Database(await make_database(TABLES), source="/perennial/test")
    cursor = NaiveCursor(database)
    async with database.transaction() as held_open:
        emit(held_open, numbered(slow, 0))
        late = outbox.collected(held_open)[0].id
        await outbox.write(held_open)
        await commit_all(database, others)
        while await cursor.scan():
            pass
        assert len(cursor.found) == EACH * len(others)
    assert await cursor.scan() == 0
    async with database.reading() as session:
        lost = set(await session.scalars(text("SELECT event_id FROM outbox"))) - cursor.found
    assert lost == {late}
    await database.close()
