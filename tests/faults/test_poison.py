"""An event that cannot be applied stops its customer and nobody else, and is released in order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from sqlalchemy import text

from perennial_events import Database, Log, open_log, parked
from perennial_events.catalogue import OrderCompleted
from perennial_events.consumer import Consumer
from perennial_http.testing import until
from tests.faults.ledger import ledger, malformed, sealed, subscriptions

BATCH = 500
ALL = BATCH // 10
"""How many of them each of ten customers gets."""


@asynccontextmanager
async def consuming(database: Database, address: str, group: str) -> AsyncIterator[Log]:
    """A consumer that keeps the ledger while the block runs; gives the log that it reads."""
    log = open_log(address)
    consumer = Consumer(database, log, group, subscriptions())
    running = asyncio.create_task(consumer.run())
    try:
        yield log
    finally:
        consumer.stop()
        await running
        await log.close()


def has(database: Database, key: str, numbers: list[int]) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        return (await ledger(database)).get(key, []) == numbers

    return holds


async def reasons(database: Database, key: str) -> list[str | None]:
    """Why each of the customer's parked events waits, first to last."""
    async with database.reading() as session:
        return [event.reason for event in await parked.find(session, key=key)]


async def test_malformed_data_amid_a_batch_stops_its_customer_alone(
    topics: str, database: Database, keys: list[str], group: str
) -> None:
    ill, *healthy = keys
    middle = ALL // 2
    batch = [sealed(key, number) for number in range(ALL) for key in keys]
    place = next(i for i, e in enumerate(batch) if e.subject == f"{ill}.{middle}")
    batch[place] = malformed(ill, middle)
    async with consuming(database, topics, group) as log:
        await log.append(batch)
        for key in healthy:
            await until(has(database, key, list(range(ALL))), within=30)
        await until(has(database, ill, list(range(middle))))
        why, *behind = await reasons(database, ill)
        assert why is not None
        assert "does not fit its schema" in why
        assert behind == [None] * (ALL - middle - 1)

        # What comes later waits behind it, in order, while the others go on.
        await log.append([sealed(key, ALL) for key in keys])
        await until(has(database, healthy[0], list(range(ALL + 1))))

        async def queued() -> bool:
            return len(await reasons(database, ill)) == ALL - middle + 1

        await until(queued)
        topic_and_key = (OrderCompleted.topic, ill)
        applied, again = await parked.retry(database, group, subscriptions(), *topic_and_key)
        assert (applied, again) == (0, why)
        async with database.transaction() as session:
            first = (await parked.find(session, key=ill))[0]
            assert first.attempts == 2
            await parked.discard(session, first.id)
        released = await parked.retry(database, group, subscriptions(), *topic_and_key)
        assert released == (ALL - middle, None)
        await log.append([sealed(ill, ALL + 1)])
        numbers = [number for number in range(ALL + 2) if number != middle]
        await until(has(database, ill, numbers))


async def test_a_mended_handler_applies_what_waited_in_order(
    topics: str, database: Database, keys: list[str], group: str
) -> None:
    ill, *healthy = keys
    async with consuming(database, topics, group) as log:
        await log.append([sealed(key, 0) for key in keys])
        await until(has(database, ill, [0]))
        async with database.transaction() as session:
            await session.execute(text("INSERT INTO broken VALUES (:key)"), {"key": ill})
        await log.append([sealed(key, number) for number in range(1, ALL) for key in keys])
        for key in healthy:
            await until(has(database, key, list(range(ALL))), within=30)
        assert await reasons(database, ill) == [
            f"the ledger of {ill} is broken",
            *[None] * (ALL - 2),
        ]
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM broken"))
        released = await parked.retry(database, group, subscriptions(), OrderCompleted.topic, ill)
        assert released == (ALL - 1, None)
        await log.append([sealed(ill, ALL)])
        await until(has(database, ill, list(range(ALL + 1))))


async def test_nothing_overtakes_while_a_customer_is_released(
    topics: str, database: Database, keys: list[str], group: str
) -> None:
    """Events arrive all the time that their customer's queue is worked off."""
    ill = keys[0]
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO broken VALUES (:key)"), {"key": ill})
    async with consuming(database, topics, group) as log:
        await log.append([sealed(ill, number) for number in range(ALL)])

        async def queued() -> bool:
            return len(await reasons(database, ill)) == ALL

        await until(queued)
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM broken"))

        async def go_on() -> None:
            for number in range(ALL, 3 * ALL):
                await log.append([sealed(ill, number)])

        async def release() -> None:
            while await reasons(database, ill):
                await parked.retry(database, group, subscriptions(), OrderCompleted.topic, ill)

        await asyncio.gather(go_on(), release())
        await release()
        await until(has(database, ill, list(range(3 * ALL))), within=20)
