"""Support for tests of webhooks: the service with its worker on a real log, and partners that are real
servers on loopback."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx

from engagement_service.app import create
from engagement_service.settings import Settings
from perennial_events import Event, Log
from perennial_events.catalogue import OrderCompleted
from perennial_events.testing import publish
from perennial_http import ServiceApp
from perennial_http.testing import ADMIN_KEY_SHA256, served, until

SECRET_KEY = base64.urlsafe_b64encode(b"k" * 32).decode()


@dataclass(frozen=True)
class Arrived:
    """One request that a partner received."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        return dict(json.loads(self.body))


Answering = Callable[[Arrived], Awaitable[tuple[int, dict[str, str]]]]


async def thanks(_: Arrived) -> tuple[int, dict[str, str]]:
    return 204, {}


@dataclass
class Partner:
    """A receiver. `answer` decides what it says; a test may exchange it."""

    port: int = 0
    answer: Answering = thanks
    arrived: list[Arrived] = field(default_factory=list)
    in_flight: dict[str, int] = field(default_factory=dict)
    most_in_flight: dict[str, int] = field(default_factory=dict)

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def at(self, path: str) -> list[Arrived]:
        return [each for each in self.arrived if each.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                pairs = (line.split(":", 1) for line in head[1:] if line)
                headers = {name.lower(): value.strip() for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                now = asyncio.get_running_loop().time()
                seen = Arrived(head[0].split()[1], headers, body, now)
                self.arrived.append(seen)
                self._count(seen.path, 1)
                status, extra = await self.answer(seen)
                self._count(seen.path, -1)
                lines = [f"HTTP/1.1 {status} X", "Content-Length: 0"]
                lines += [f"{name}: {value}" for name, value in extra.items()]
                writer.write("\r\n".join(lines).encode() + b"\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _count(self, path: str, by: int) -> None:
        now = self.in_flight[path] = self.in_flight.get(path, 0) + by
        self.most_in_flight[path] = max(now, self.most_in_flight.get(path, 0))


class MovableClock:
    """The real time, and what a test adds to it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)


def settings_for(database_url: str, log_url: str, **more: Any) -> Settings:
    return Settings(
        service="engagement",
        database_url=database_url,
        log=log_url,
        admin_key_sha256=ADMIN_KEY_SHA256,
        secret_key=SECRET_KEY,
        webhooks_allow_loopback=True,
        orders_url="http://orders.example",
        **more,
    )


@dataclass
class Platform:
    """The service, its client, the log that it hears, and its partner."""

    app: ServiceApp
    client: httpx.AsyncClient
    log: Log
    partner: Partner

    async def endpoint(self, path: str = "/hook", **more: Any) -> dict[str, Any]:
        body = {"url": self.partner.url(path), "event_types": ["perennial.orders.*"], **more}
        answer = await self.client.post("/v1/webhook-endpoints", json=body)
        answer.raise_for_status()
        return dict(answer.json())

    async def tell(self, *events: Event) -> list[str]:
        return [str(each.id) for each in await publish(self.log, *events)]

    async def orders(self, count: int, customer: str = "c-1", first: int = 0) -> list[str]:
        """So many events of one customer; answers with their ids."""
        return await self.tell(
            *(
                OrderCompleted(order_id=f"o-{number}", customer_id=customer)
                for number in range(first, first + count)
            )
        )

    async def deliveries(self, endpoint: dict[str, Any], **query: str) -> list[dict[str, Any]]:
        path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}/deliveries"
        answer = await self.client.get(path, params={"limit": 200, **query})
        return list(answer.json()["data"])

    async def act(self, endpoint: dict[str, Any], action: str, body: Any = None) -> dict[str, Any]:
        path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}/{action}"
        answer = await self.client.post(path, json=body)
        answer.raise_for_status()
        return dict(answer.json())

    async def has_arrived(self, count: int, path: str = "/hook", within: float = 20.0) -> None:
        async def there() -> bool:
            return len(self.partner.at(path)) >= count

        await until(there, within=within)

    async def has_ended(self, endpoint: dict[str, Any], status: str, count: int) -> None:
        async def there() -> bool:
            return len(await self.deliveries(endpoint, status=status)) >= count

        await until(there, within=20.0)


@asynccontextmanager
async def running(
    settings: Settings, log: Log, partner: Partner, clock: Any
) -> AsyncIterator[Platform]:
    app = create(settings, clock)
    async with served(app) as client:
        yield Platform(app, client, log, partner)
