"""Each service whole, served on a real database and a real log, its worker running."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from perennial_cli.migrations.upgrade import upgrade
from perennial_embedded.postgres import EmbeddedPostgres
from perennial_events.values import utc_now
from perennial_http import ServiceApp, add_key, hash_token, new_token
from perennial_http.testing import served
from tests.contract.doors import create


@dataclass(frozen=True)
class Door:
    """A served service, and a client that holds the admin key."""

    app: ServiceApp
    client: httpx.AsyncClient

    async def key(self, *scopes: str) -> str:
        """A new key with these scopes."""
        token = new_token("contract")
        async with self.app.runtime.database.transaction() as session:
            await add_key(
                session,
                key_id=uuid4().hex,
                key_hash=hash_token(token),
                scopes=scopes,
                at=utc_now(),
            )
        await self.app.runtime.keys.refresh()
        return token


OpenDoor = Callable[[str], Awaitable[Door]]


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Keep the tests of a service in one of pytest-xdist's workers, which then starts it once."""
    for item in items:
        if item.path.parent == Path(__file__).parent and isinstance(item, pytest.Function):
            given = item.callspec.params if hasattr(item, "callspec") else {}
            service = getattr(given.get("operation"), "service", given.get("service"))
            if service is not None:
                item.add_marker(pytest.mark.xdist_group(f"contract of {service}"))


@pytest.fixture(scope="session")
async def open_door(postgres: EmbeddedPostgres) -> AsyncIterator[OpenDoor]:
    """Starts a service at its first use, on databases of its own; all end with the session."""
    doors: dict[str, Door] = {}
    async with AsyncExitStack() as serving:

        async def open_one(service: str) -> Door:
            if service not in doors:
                databases = [f"contract_{service}", f"contract_{service}_log"]
                for name in databases:
                    postgres.create_database(name)
                url, log = map(postgres.url, databases)
                await asyncio.to_thread(upgrade, {service: url}, log)
                app = create(service, url, log)
                doors[service] = Door(app, await serving.enter_async_context(served(app)))
            return doors[service]

        yield open_one
