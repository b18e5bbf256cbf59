"""Webhooks: how many go out with 100 endpoints, what a dead and a slow one do to the others, how many
come in."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

import httpx
import uvloop

from bench import machine, processes
from bench.homes import Servers
from bench.load.measured import MILLISECONDS, percentile
from bench.load.process import Load
from bench.load.receiver import Receiver
from bench.online import Sizes
from bench.results import Figures, figure
from perennial_cli.supervisor.home import key_hash
from perennial_events import open_log
from perennial_events.catalogue import OrderCompleted
from perennial_events.testing import publish

_KEY = "pk_bench_webhooks"
ENDPOINTS = 100
_TOLD_AT_ONCE = 50
_EVENTS_PER_S = 2
_WITHIN = 120.0
_NOBODY = "http://127.0.0.1:9/dead"
_CLIENTS = 16


class Offered(NamedTuple):
    events: int
    """Each goes to every endpoint."""
    paced_seconds: float
    requests: int


FULL = Offered(200, 30.0, 12_000)
QUICK = Offered(40, 8.0, 3_000)


class Webhooks:
    """The benches of partners, over engagement alone with its servers."""

    def __init__(
        self,
        servers: Servers,
        sizes: Sizes,
        figures: Figures,
        noise: machine.Noise,
        *,
        quick: bool,
    ) -> None:
        self._servers = servers
        self._sizes = sizes
        self._figures = figures
        self._noise = noise
        self._offered = QUICK if quick else FULL

    def run(self) -> None:
        servers = self._servers
        settings = {
            "PERENNIAL_ADMIN_KEY_SHA256": key_hash(_KEY),
            "PERENNIAL_SECRET_KEY": base64.urlsafe_b64encode(b"b" * 32).decode(),
            "PERENNIAL_WEBHOOKS_ALLOW_LOOPBACK": "1",
        }
        with (
            self._noise.during("webhooks"),
            servers.service("engagement", "engagement", **settings) as process,
        ):
            processes.wait_until_ready(servers.port, process, servers.output("engagement"))
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._out())
                self._in(runner)

    async def _out(self) -> None:
        offered = self._offered
        async with _partners(self._servers) as partners:
            await partners.subscribe([f"/{number}" for number in range(ENDPOINTS)])
            await partners.tell_all(offered.events // 4)  # connections open, statements prepared
            rounds = [await partners.tell_all(offered.events) for _ in range(self._sizes.rounds)]
            self._figures["webhooks.out.per_s"] = figure(
                "webhooks.out.per_s",
                rounds,
                offered=f"{offered.events:,} events at once to {ENDPOINTS} endpoints each",
            )
            alone = await partners.paced(offered.paced_seconds)
            await partners.replace(["/0", "/1"], [_NOBODY, partners.url("/slow/1")])
            beside = await partners.paced(offered.paced_seconds)
        load = f"{_EVENTS_PER_S} events/s to {ENDPOINTS} endpoints each"
        for name, late in (("healthy", alone), ("beside_bad", beside)):
            self._figures[f"webhooks.out.{name}_p99_ms"] = figure(
                f"webhooks.out.{name}_p99_ms",
                [percentile(late, 0.99) * MILLISECONDS],
                unit="ms",
                offered=load if name == "healthy" else f"{load}, one dead and one slow (5 s)",
                notes={"p50_ms": percentile(late, 0.5) * MILLISECONDS, "deliveries": len(late)},
            )
        self._figures["webhooks.out.p99_ratio"] = figure(
            "webhooks.out.p99_ratio",
            [percentile(beside, 0.99) / percentile(alone, 0.99)],
            offered="the healthy endpoints' p99 beside a dead and a slow one, to that without them",
        )

    def _in(self, runner: asyncio.Runner) -> None:
        runner.run(_introduce(self._servers.port))
        offered = self._offered
        with Load({"engagement": self._servers.port}, _KEY) as load:
            load.run("partner", requests=offered.requests // 10, clients=_CLIENTS, within=60.0)
            rounds = [
                load.run("partner", requests=offered.requests, clients=_CLIENTS, within=60.0)
                for _ in range(self._sizes.rounds)
            ]
        self._figures["webhooks.in.per_s"] = figure(
            "webhooks.in.per_s",
            [each.per_s for each in rounds],
            offered=rounds[0].load,
            failures=[each.failures for each in rounds],
            notes={"p99_ms": max(each.p99_ms for each in rounds)},
        )


class _Partners:
    """A hundred endpoints, and the log whose events they are sent."""

    def __init__(self, servers: Servers, client: httpx.AsyncClient) -> None:
        self._receiver = Receiver()
        self._client = client
        self._log = open_log(servers.log_url)
        self._ids: dict[str, str] = {}
        self._number = 0

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._receiver.port}{path}"

    async def start(self) -> None:
        await self._receiver.start()

    async def stop(self) -> None:
        self._receiver.stop()
        await self._log.close()

    async def subscribe(self, paths: Sequence[str]) -> None:
        for path in paths:
            body = {"url": self.url(path), "event_types": ["perennial.orders.*"]}
            answer = await self._client.post("/v1/webhook-endpoints", json=body)
            answer.raise_for_status()
            self._ids[path] = answer.json()["endpoint_id"]

    async def replace(self, paths: Sequence[str], urls: Sequence[str]) -> None:
        for path, url in zip(paths, urls, strict=True):
            id = self._ids.pop(path)
            answer = await self._client.patch(f"/v1/webhook-endpoints/{id}", json={"url": url})
            answer.raise_for_status()

    async def tell_all(self, count: int) -> float:
        """Publish so many events at once; the deliveries a second until the last has arrived."""
        before, began = self._receiver.count, time.perf_counter()
        for start in range(0, count, _TOLD_AT_ONCE):
            await publish(self._log, *self._events(min(_TOLD_AT_ONCE, count - start)))
        async with asyncio.timeout(_WITHIN):
            while self._receiver.count - before < count * len(self._ids):  # noqa: ASYNC110 - a count
                await asyncio.sleep(0.005)
        return count * len(self._ids) / (time.perf_counter() - began)

    async def paced(self, seconds: float) -> list[float]:
        """Publish at an even pace; how many seconds each delivery to a healthy endpoint took, sorted."""
        told: dict[str, float] = {}
        began = time.perf_counter()
        for number in range(int(seconds * _EVENTS_PER_S)):
            await asyncio.sleep(max(0.0, began + number / _EVENTS_PER_S - time.perf_counter()))
            (envelope,) = await publish(self._log, *self._events(1))
            told[str(envelope.id)] = time.perf_counter()
        async with asyncio.timeout(_WITHIN):
            while not all(told.keys() <= self._receiver.arrived[path].keys() for path in self._ids):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.05)
        return sorted(
            self._receiver.arrived[path][id] - at for path in self._ids for id, at in told.items()
        )

    def _events(self, count: int) -> list[OrderCompleted]:
        self._number += count
        numbers = range(self._number - count, self._number)
        return [OrderCompleted(order_id=f"o-{n}", customer_id=f"c-{n % 500}") for n in numbers]


@asynccontextmanager
async def _partners(servers: Servers) -> AsyncIterator[_Partners]:
    headers = {"Authorization": f"Bearer {_KEY}"}
    url = f"http://{processes.HOST}:{servers.port}"
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        partners = _Partners(servers, client)
        await partners.start()
        yield partners
        await partners.stop()


async def _introduce(port: int) -> None:
    """The mail provider that the load signs as: its secret is the key that the load was given."""
    body = {"adapter": "mail", "verification": {"scheme": "hmac", "secret": _KEY}}
    headers = {"Authorization": f"Bearer {_KEY}"}
    async with httpx.AsyncClient(headers=headers) as client:
        url = f"http://{processes.HOST}:{port}/v1/partners/bench"
        (await client.put(url, json=body)).raise_for_status()
