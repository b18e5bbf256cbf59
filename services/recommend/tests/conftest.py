"""The service with its worker, fed through the real log."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
import pytest

from perennial_events import Database, Event, Log, Partition, seal
from perennial_events.progress import positions
from perennial_http import ServiceApp
from perennial_http.testing import ADMIN_KEY_SHA256, served
from recommend_service.app import create
from recommend_service.handlers import SUBSCRIPTIONS
from recommend_service.recommendations.service import GROUP
from recommend_service.settings import Settings

Json = dict[str, Any]


class Shop:
    """What happens in a shop, told through its log, and what the service recommends then."""

    def __init__(self, log: Log, database: Database, client: httpx.AsyncClient, clock: Any) -> None:
        self.log, self.database, self.client, self.clock = log, database, client, clock
        self.last: UUID | None = None

    async def append(self, *events: Event, at: datetime | None = None) -> None:
        sealed = [seal(e, source="/perennial/test", time=at or self.clock()) for e in events]
        self.last = sealed[-1].id
        await self.log.append(sealed)

    async def tell(self, *events: Event, at: datetime | None = None) -> None:
        """Append the events, and return when all that the log holds is applied."""
        await self.append(*events, at=at)
        ends = await self.log.ends(SUBSCRIPTIONS.topics)
        async with asyncio.timeout(20):
            while await self._applied(list(ends)) != ends:
                await self.database.wait_applied(0.05)

    async def _applied(self, partitions: list[Partition]) -> dict[Partition, int]:
        async with self.database.reading() as session:
            return await positions(session, GROUP, partitions)

    async def answer(self, **query: Any) -> Json:
        """The answer that includes the last event told."""
        headers = {"Perennial-After": str(self.last)} if self.last else {}
        answer = await self.client.get("/v1/recommendations", params=query, headers=headers)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def recommended(self, **query: Any) -> list[str]:
        return [each["sku"] for each in (await self.answer(**query))["data"]]


@pytest.fixture
async def app(migrated_url: Any, platform_log: Log, log_url: str, clock: Any) -> ServiceApp:
    settings = Settings(
        service="recommend",
        database_url=await migrated_url("recommend"),
        log=log_url,
        admin_key_sha256=ADMIN_KEY_SHA256,
        exploring_share=0.0,
    )
    return create(settings, clock)


@pytest.fixture
async def client(app: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


@pytest.fixture
def shop(app: ServiceApp, platform_log: Log, client: httpx.AsyncClient, clock: Any) -> Shop:
    return Shop(platform_log, app.runtime.database, client, clock)
