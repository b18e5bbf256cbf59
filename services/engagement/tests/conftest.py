"""The service on a real database and a real log; without its worker, unless a `platform` is asked for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from engagement_service.app import create
from engagement_service.settings import Settings
from engagement_service.testing import MovableClock, Partner, Platform, running, settings_for
from perennial_events import Envelope, Log
from perennial_http import ServiceApp
from perennial_http.testing import ADMIN_KEY_SHA256, served

Told = Callable[[], Awaitable[list[Envelope]]]


@pytest.fixture
async def settings(migrated_url: Any, log_url: str) -> Settings:
    return Settings(
        service="engagement",
        database_url=await migrated_url("engagement"),
        log=log_url,
        role="api",
        admin_key_sha256=ADMIN_KEY_SHA256,
    )


@pytest.fixture
async def app(settings: Settings, platform_log: Log, clock: Any) -> ServiceApp:
    return create(settings, clock)


@pytest.fixture
async def client(app: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


@pytest.fixture
def told(platform_log: Log) -> Told:
    """Everything that stands in the log, clicks before identifications, each partition in order."""

    async def read() -> list[Envelope]:
        ends = await platform_log.ends(["perennial.clicks", "perennial.engagement"])
        found = await platform_log.read(dict.fromkeys(ends, 0), 10_000)
        return [record.envelope for partition in sorted(found) for record in found[partition]]

    return read


@pytest.fixture
async def partner() -> AsyncIterator[Partner]:
    found = Partner()
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, backlog=512)
    found.port = server.sockets[0].getsockname()[1]
    yield found
    server.close()


@pytest.fixture
def moving() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def database_url(migrated_url: Any) -> str:
    return str(await migrated_url("engagement"))


@pytest.fixture
def retry() -> str:
    """The schedule of retries, which a test may override."""
    return "0.1,0.1,0.1"


@pytest.fixture
async def platform(
    database_url: str,
    log_url: str,
    platform_log: Log,
    partner: Partner,
    moving: MovableClock,
    retry: str,
) -> AsyncIterator[Platform]:
    settings = settings_for(database_url, log_url, webhooks_retry=retry)
    async with running(settings, platform_log, partner, moving) as found:
        yield found
