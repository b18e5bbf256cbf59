"""The consumer: every event with effect exactly once, poison set aside, nothing inverted."""

import asyncio
import random
import zlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import (
    Database,
    Envelope,
    PermanentFailure,
    Projection,
    Received,
    Subscriptions,
    parked,
    seal,
)
from perennial_events.catalogue import Clicked
from perennial_events.log import Log
from perennial_events.rebuild import Rebuild, RebuildDiffers
from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_events.testing import MakeDatabase, caught_up, consuming, publish
from perennial_events.values import utc_now

TABLES = (
    "CREATE TABLE counts (customer_id text PRIMARY KEY, total bigint NOT NULL)",
    "CREATE TABLE steps (id bigserial, customer_id text NOT NULL, number bigint NOT NULL)",
)
REJECTED, FAILING = -1, -2
mended = False


def click(customer_id: str, number: int) -> Clicked:
    return Clicked(name="counted", customer_id=customer_id, properties={"n": number})


def number_of(event: Clicked) -> int:
    return int(event.properties["n"])


async def count(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    numbers = [number_of(event) for event, _ in batch]
    if REJECTED in numbers and not mended:
        raise PermanentFailure("minus one cannot be counted")
    if FAILING in numbers and not mended:
        await session.execute(text("SELECT 1 / 0"))
    await session.execute(
        text(
            "INSERT INTO counts AS c SELECT id, sum(number) FROM unnest("
            " CAST(:ids AS text[]), CAST(:numbers AS bigint[])) AS e (id, number) GROUP BY id"
            " ON CONFLICT (customer_id) DO UPDATE SET total = c.total + excluded.total"
        ),
        {"ids": [event.customer_id for event, _ in batch], "numbers": numbers},
    )


async def note_steps(session: AsyncSession, batch: Sequence[Received[Clicked]]) -> None:
    await session.execute(
        text("INSERT INTO steps (customer_id, number) VALUES (:id, :number)"),
        [{"id": event.customer_id, "number": number_of(event)} for event, _ in batch],
    )


COUNTS = Projection("counts", ("counts",), (Clicked,), count)
SUBSCRIPTIONS = Subscriptions(handlers={Clicked: note_steps}, projections=(COUNTS,))


@pytest.fixture(autouse=True)
def unmended() -> None:
    global mended  # noqa: PLW0603 - the handler's fault, which a test mends
    mended = False


@pytest.fixture
async def database(make_database: MakeDatabase) -> AsyncIterator[Database]:
    url = await make_database((*CREATE_EVENT_TABLES_V1, *TABLES))
    database = Database(url, source="/perennial/tests")
    yield database
    await database.close()


@pytest.fixture
async def log(event_log: Log, log_address: str) -> Log:
    """The clicks' topic, empty. Kafka's outlives a test: what earlier ones wrote is removed."""
    await event_log.create_topics(["perennial.clicks"], 4)
    ends = await event_log.ends(["perennial.clicks"])
    if any(ends.values()):
        admin = AIOKafkaAdminClient(bootstrap_servers=log_address.removeprefix("kafka://"))
        await admin.start()
        await admin.delete_records(
            {TopicPartition(*p): RecordsToDelete(e) for p, e in ends.items()}
        )
        await admin.close()
    return event_log


@pytest.fixture
def who(request: pytest.FixtureRequest) -> str:
    """A prefix for this test's customers."""
    return f"c{zlib.crc32(request.node.nodeid.encode()):x}"


async def totals(database: Database, who: str) -> dict[str, int]:
    async with database.reading() as session:
        rows = await session.execute(
            text("SELECT customer_id, total FROM counts WHERE starts_with(customer_id, :who)"),
            {"who": who},
        )
        return dict(list(rows))


async def steps(database: Database, customer_id: str) -> list[int]:
    async with database.reading() as session:
        rows = await session.scalars(
            text("SELECT number FROM steps WHERE customer_id = :id ORDER BY id"),
            {"id": customer_id},
        )
        return list(rows)


async def test_duplicates_count_once(database: Database, log: Log, who: str) -> None:
    envelopes = await publish(log, *(click(f"{who}-{n % 5}", 1) for n in range(100)))
    await log.append(envelopes[:40])
    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
        await log.append([*envelopes[20:60], envelopes[20]])
        await caught_up(database, log, SUBSCRIPTIONS)
    assert sum((await totals(database, who)).values()) == 100


async def test_a_second_consumer_goes_on_where_the_first_stopped(
    database: Database, log: Log, who: str
) -> None:
    for _round in range(3):
        await publish(log, *(click(f"{who}-{n % 7}", 1) for n in range(50)))
        async with consuming(database, log, SUBSCRIPTIONS):
            await caught_up(database, log, SUBSCRIPTIONS)
    assert sum((await totals(database, who)).values()) == 150


async def test_two_consumers_that_come_and_go_lose_and_double_nothing(
    database: Database, log: Log, who: str
) -> None:
    sent: dict[str, list[int]] = {f"{who}-{n}": [] for n in range(8)}

    async def write() -> None:
        for number in range(60):
            for customer_id, numbers in sent.items():
                numbers.append(number)
                await publish(log, click(customer_id, number))

    async def come_and_go(seed: int) -> None:
        dice = random.Random(seed)
        while not writing.done():
            async with consuming(database, log, SUBSCRIPTIONS):
                for _batch in range(dice.randrange(1, 5)):
                    await database.wait_applied(1.0)

    writing = asyncio.create_task(write())
    await asyncio.gather(writing, come_and_go(1), come_and_go(2))
    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
    for customer_id, numbers in sent.items():
        assert await steps(database, customer_id) == numbers


@pytest.mark.parametrize("poison", [REJECTED, FAILING])
async def test_poison_stops_its_customer_alone(
    database: Database, log: Log, who: str, poison: int
) -> None:
    global mended  # noqa: PLW0603 - see above
    sick, well = f"{who}-sick", f"{who}-well"
    events = [click(well if n % 3 else sick, n) for n in range(300)]
    events[150] = click(sick, poison)
    await publish(log, *events)
    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
        await publish(log, click(sick, 1000), click(well, 1000))
        await caught_up(database, log, SUBSCRIPTIONS)

        assert await steps(database, well) == [n for n in range(300) if n % 3] + [1000]
        assert await steps(database, sick) == list(range(0, 150, 3))
        async with database.reading() as session:
            waiting = await parked.find(session, most=200)
        assert [event.reason is None for event in waiting] == [False, *[True] * 50]

        applied, reason = await parked.retry(
            database, "tests", SUBSCRIPTIONS, "perennial.clicks", sick
        )
        assert (applied, reason is None) == (0, False)
        mended = True
        applied, reason = await parked.retry(
            database, "tests", SUBSCRIPTIONS, "perennial.clicks", sick
        )
        assert (applied, reason) == (51, None)
        await publish(log, click(sick, 2000))
        await caught_up(database, log, SUBSCRIPTIONS)
    expected = [*range(0, 150, 3), poison, *range(153, 300, 3), 1000, 2000]
    assert await steps(database, sick) == expected


async def test_an_unreadable_event_is_parked_and_can_be_discarded(
    database: Database, log: Log, who: str
) -> None:
    good = seal(click(who, 1), source="/perennial/tests", time=utc_now())
    broken = [
        _again(good, data='{"name": 5}'),
        _again(good, type="perennial.clicks.clicked.v2"),
        _again(good, data="{"),
    ]
    await log.append([*broken, good])
    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
    async with database.transaction() as session:
        waiting = await parked.find(session, key=who)
        assert [event.reason is not None for event in waiting] == [True, False, False, False]
        assert "/name" in str(waiting[0].reason)
        for event in waiting[:3]:
            await parked.discard(session, event.id)
    assert await parked.retry(database, "tests", SUBSCRIPTIONS, "perennial.clicks", who) == (
        1,
        None,
    )
    assert await totals(database, who) == {who: 1}


def _again(envelope: Envelope, **changes: Any) -> Envelope:
    other = seal(click(envelope.key, 0), source="/perennial/tests", time=utc_now())
    return envelope._replace(id=other.id, **changes)


async def test_an_unknown_exception_ends_the_consumer_and_loses_nothing(
    database: Database, log: Log, who: str
) -> None:
    async def surprise(_session: AsyncSession, _batch: Sequence[Received[Any]]) -> None:
        raise RuntimeError("a bug")

    buggy = Subscriptions(handlers={Clicked: surprise})
    await publish(log, click(who, 1))
    async with consuming(database, log, buggy) as task:
        with pytest.raises(RuntimeError, match="a bug"):
            await asyncio.wait_for(asyncio.shield(task), 20)
    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
    assert await totals(database, who) == {who: 1}


async def test_a_rebuild_ends_equal_while_events_keep_arriving(
    database: Database, log: Log, who: str
) -> None:
    await publish(log, *(click(f"{who}-{n % 50}", n) for n in range(2_000)))
    stop = asyncio.Event()

    async def keep_writing() -> None:
        number = 0
        while not stop.is_set():
            await publish(log, *(click(f"{who}-{n}", number) for n in range(20)))
            number += 1

    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
        writing = asyncio.create_task(keep_writing())
        rebuilt = await Rebuild(database, log, "tests", COUNTS).run()
        stop.set()
        await writing
        await caught_up(database, log, SUBSCRIPTIONS)
        again = await Rebuild(database, log, "tests", COUNTS).run()
    assert rebuilt.equal
    assert again.equal
    assert rebuilt.events >= 2_000


async def test_a_rebuild_that_differs_leaves_the_live_tables(
    database: Database, log: Log, who: str
) -> None:
    await publish(log, click(who, 1))
    async with consuming(database, log, SUBSCRIPTIONS):
        await caught_up(database, log, SUBSCRIPTIONS)
        async with database.transaction() as session:
            await session.execute(
                text("UPDATE counts SET total = 7 WHERE customer_id = :who"), {"who": who}
            )
        rebuild = Rebuild(database, log, "tests", COUNTS)
        with pytest.raises(RebuildDiffers):
            await rebuild.run()
        assert await totals(database, who) == {who: 7}
        assert not (await Rebuild(database, log, "tests", COUNTS).run(accept_difference=True)).equal
    assert await totals(database, who) == {who: 1}
