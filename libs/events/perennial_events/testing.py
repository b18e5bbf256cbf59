"""Fixtures for tests: a real PostgreSQL, a real Kafka where one can be had, and databases of one's own.

Loaded as a pytest plugin by the repository's `conftest.py`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from perennial_embedded.kafka import EmbeddedKafka, KafkaUnavailable
from perennial_embedded.postgres import EmbeddedPostgres
from perennial_events.consumer import Consumer
from perennial_events.database import Database
from perennial_events.envelope import Envelope, Event, seal
from perennial_events.log import Log, open_log
from perennial_events.log.postgres import create_schema
from perennial_events.subscriptions import Subscriptions
from perennial_events.values import utc_now
from perennial_events.watchdog import lag

MakeDatabase = Callable[[Sequence[str]], Awaitable[str]]

# Kafka is started once: tests that need it share one of pytest-xdist's workers.
on_kafka = (pytest.mark.kafka, pytest.mark.xdist_group("kafka"))
BOTH_LOGS = (pytest.param("postgres"), pytest.param("kafka", marks=on_kafka))


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A PostgreSQL server of this test process."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as server:
        # It outlives no failure of the machine, and need not wait for the disk; and hundreds of
        # databases that no test uses any more need no look at them every ten seconds.
        for setting in ("fsync = off", "full_page_writes = off", "autovacuum_naptime = '1h'"):
            server.sql(f"ALTER SYSTEM SET {setting}")
        server.sql("SELECT pg_reload_conf()")
        yield server


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a Kafka: `PERENNIAL_TEST_KAFKA`, or one that is started for this test process."""
    if address := os.environ.get("PERENNIAL_TEST_KAFKA"):
        yield address
        return
    server = EmbeddedKafka(tmp_path_factory.mktemp("kafka"))
    try:
        server.start()
    except KafkaUnavailable as unavailable:
        if os.environ.get("PERENNIAL_REQUIRE_KAFKA") == "1":
            raise
        pytest.skip(f"no Apache Kafka: {unavailable}")
    yield server.bootstrap
    server.stop()


@pytest.fixture
async def make_database(postgres: EmbeddedPostgres) -> MakeDatabase:
    """Makes databases with given tables; answers with the new one's URL."""

    async def make(statements: Sequence[str] = ()) -> str:
        name = f"test_{uuid4().hex}"
        postgres.create_database(name)
        url = postgres.url(name)
        if not statements:
            return url
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
        await engine.dispose()
        return url

    return make


@pytest.fixture
async def log_url(make_database: MakeDatabase) -> str:
    """The URL of an empty event log on PostgreSQL."""
    url = await make_database(())
    await create_schema(url)
    return url


@pytest.fixture(params=BOTH_LOGS)
def log_address(request: pytest.FixtureRequest) -> str:
    """The address of an event log: what asks for it runs once on PostgreSQL and once on Kafka."""
    if request.param == "kafka":
        return f"kafka://{request.getfixturevalue('kafka')}"
    return str(request.getfixturevalue("log_url"))


@pytest.fixture
async def event_log(log_address: str) -> AsyncIterator[Log]:
    """An event log on both adapters in turn."""
    log = open_log(log_address)
    yield log
    await log.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout."""
    return next(p for p in Path(__file__).parents if (p / "Makefile").exists())


@asynccontextmanager
async def consuming(
    database: Database, log: Log, subscriptions: Subscriptions, group: str = "tests"
) -> AsyncIterator[asyncio.Task[None]]:
    """A consumer that runs inside this block; yields its task."""
    consumer = Consumer(database, log, group, subscriptions)
    task = asyncio.create_task(consumer.run())
    try:
        yield task
    finally:
        consumer.stop()
        await asyncio.wait([task], timeout=20)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def caught_up(
    database: Database, log: Log, subscriptions: Subscriptions, group: str = "tests"
) -> None:
    """Return when the group has applied all there is in the log."""
    async with asyncio.timeout(30):
        while True:
            async with database.reading() as session:
                lags = await lag(session, log, group, subscriptions.topics)
            if not any(entry.events for entry in lags):
                return
            await database.wait_applied(0.05)


async def publish(log: Log, *events: Event) -> list[Envelope]:
    """Append events as some service would; return their envelopes."""
    envelopes = [seal(event, source="/perennial/tests", time=utc_now()) for event in events]
    await log.append(envelopes)
    return envelopes
