"""The service whole: its doors and its worker, on a real database and a real log."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any

import httpx
import pytest

from perennial_events import Database, Event, seal
from perennial_events.log import Log
from perennial_http import ServiceApp
from perennial_http.testing import ADMIN_KEY_SHA256, served
from profile_service.app import create
from profile_service.settings import Settings
from profile_service.worth.testing import Shop

Tell = Callable[..., Awaitable[None]]
Json = dict[str, Any]


@pytest.fixture
async def app(migrated_url: Any, platform_log: Log, log_url: str, clock: Any) -> ServiceApp:
    settings = Settings(
        service="profile",
        database_url=await migrated_url("profile"),
        log=log_url,
        admin_key_sha256=ADMIN_KEY_SHA256,
    )
    return create(settings, clock)


@pytest.fixture
async def client(app: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


@pytest.fixture
def tell(platform_log: Log, client: httpx.AsyncClient, clock: Any) -> Tell:
    """Publishes events as another service would; what is read next has seen them."""

    async def publish(*events: Event, at: datetime | None = None, imported: bool = False) -> None:
        envelopes = [
            seal(event, source="/perennial/test", time=at or clock(), imported=imported)
            for event in events
        ]
        await platform_log.append(envelopes)
        for envelope in envelopes:
            client.headers["Perennial-After"] = str(envelope.id)
            assert (await client.get("/v1/stages")).status_code == 200

    return publish


@pytest.fixture
def state_of(client: httpx.AsyncClient) -> Callable[[str], Awaitable[Json]]:
    async def read(customer_id: str) -> Json:
        answer = await client.get(f"/v1/customers/{customer_id}/state")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return read


@pytest.fixture
async def shop(migrated_url: Any, clock: Any) -> AsyncIterator[Shop]:
    """The service without doors and log: events are applied at once, the clock's work when asked for."""
    database = Database(await migrated_url("profile"), source="/perennial/profile")
    yield Shop(database, clock)
    await database.close()
