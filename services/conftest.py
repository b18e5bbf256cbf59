"""Fixtures for the services' suites: a migrated database, a clock to turn, what was published."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from perennial_cli.migrations.upgrade import upgrade
from perennial_embedded.postgres import EmbeddedPostgres
from perennial_events import Database, Envelope
from perennial_events.catalogue import PARTITIONS, TOPICS
from perennial_events.log import Log, open_log, prepare_log

MigratedUrl = Callable[[str], Awaitable[str]]


class TurnedClock:
    """A clock that stands until a test turns it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture(scope="session")
def migrated_url(postgres: EmbeddedPostgres) -> MigratedUrl:
    """Makes a database with a service's newest schema; answers with its URL."""
    templates: set[str] = set()

    async def make(service: str) -> str:
        template = f"template_{service}"
        if template not in templates:
            postgres.create_database(template)
            await asyncio.to_thread(upgrade, {service: postgres.url(template)}, "")
            templates.add(template)
        name = f"{service}_{uuid4().hex}"
        postgres.create_database(name, template=template)
        return postgres.url(name)

    return make


@pytest.fixture(scope="session")
async def copy_log(postgres: EmbeddedPostgres) -> Callable[[], str]:
    """Makes an empty event log with every topic; answers with its URL."""
    template = "template_log"
    postgres.create_database(template)
    await prepare_log(postgres.url(template), TOPICS, PARTITIONS)

    def copy() -> str:
        name = f"log_{uuid4().hex}"
        postgres.create_database(name, template=template)
        return postgres.url(name)

    return copy


@pytest.fixture
def log_url(copy_log: Callable[[], str]) -> str:
    """The URL of an event log on PostgreSQL, with every topic."""
    return copy_log()


@pytest.fixture(scope="session")
def unused_log_url(copy_log: Callable[[], str]) -> str:
    """For services without their worker, which leave the log alone: the same one for all of them."""
    return copy_log()


@pytest.fixture
async def platform_log(log_url: str) -> AsyncIterator[Log]:
    """The event log itself."""
    log = open_log(log_url)
    yield log
    await log.close()


Published = Callable[[Database], Awaitable[list[Envelope]]]


@pytest.fixture
def published() -> Published:
    """What waits in a service's outbox: its worker does not run in these tests."""

    async def read(database: Database) -> list[Envelope]:
        async with database.reading() as session:
            rows = await session.execute(
                text(
                    "SELECT event_id, type, '', subject, time, key, imported, data"
                    " FROM outbox ORDER BY id"
                )
            )
            return [Envelope(*row) for row in rows]

    return read
