"""Each service whole, served on a real database and a real log, its worker running."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import httpx
import pytest

from perennial_cli.migrations.upgrade import upgrade
from perennial_cli.services import SERVICES
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


@pytest.fixture(scope="session")
async def open_door(postgres: EmbeddedPostgres) -> AsyncIterator[OpenDoor]:
    """Starts a service at its first use, on databases of its own; all end with the session."""
    doors: dict[str, Door] = {}
    async with asyncio.TaskGroup() as serving:
        end = asyncio.Event()

        async def keep_open(service: str, opened: asyncio.Future[Door]) -> None:
            databases = [f"contract_{service}", f"contract_{service}_log"]
            for name in databases:
                postgres.create_database(name)
            url, log = map(postgres.url, databases)
            await asyncio.to_thread(upgrade, {service: url}, log)
            app = create(service, url, log)
            async with served(app) as client:
                opened.set_result(Door(app, client))
                await end.wait()

        async def open_one(service: str) -> Door:
            assert service in SERVICES
            if service not in doors:
                opened: asyncio.Future[Door] = asyncio.get_running_loop().create_future()
                task = serving.create_task(keep_open(service, opened))
                await asyncio.wait([task, opened], return_when=asyncio.FIRST_COMPLETED)
                doors[service] = (
                    task.result() and doors[service] if task.done() else opened.result()
                )
            return doors[service]

        yield open_one
        end.set()
