"""The service on a real database, without its worker: what it publishes stays in the outbox."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp
from perennial_http.testing import ADMIN_KEY_SHA256, served
from support_service.app import create
from support_service.settings import Settings


@pytest.fixture
async def app(migrated_url: Any, unused_log_url: str, clock: Any) -> ServiceApp:
    settings = Settings(
        service="support",
        database_url=await migrated_url("support"),
        log=unused_log_url,
        role="api",
        admin_key_sha256=ADMIN_KEY_SHA256,
        queue_owners={"billing": "finance"},
    )
    return create(settings, clock)


@pytest.fixture
async def client(app: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client
