"""`recommend` at size: 50,000 products, a million views and order lines, 300 questions a second."""

import asyncio
import os
import time
from collections import Counter
from random import Random
from typing import NamedTuple

import httpx
import psutil

from bench import machine, processes
from bench.homes import Servers
from bench.load import measured
from bench.load.client import connect_all, encode
from bench.results import Figures, figure
from perennial_cli.supervisor.home import key_hash
from perennial_events import open_log, seal, utc_now
from perennial_events.catalogue import Clicked

_KEY = "pk_bench_recommend"
_FAMILY = 50
_CONNECTIONS = 16
_RATE = 300
_DATABASE = "recommend"


class Size(NamedTuple):
    products: int
    sessions: int
    orders: int
    seconds: float
    probes: int


FULL = Size(50_000, 210_000, 40_000, 30.0, 100)
QUICK = Size(5_000, 20_000, 4_000, 5.0, 20)

# Sessions stay within a family of products, whose first ones are wanted most.
_SKU = "'s-' || (family * {family} + floor(power(random(), 3) * {family})::integer)"
_FILL = f"""
    INSERT INTO products (sku, available, name, category, price, described_at)
    SELECT 's-' || n, n % 50 <> 0, 'Product ' || n, 'family ' || n / {{family}}, 100 + n % 900, now()
    FROM generate_series(0, {{products}} - 1) AS n;
    INSERT INTO views (identity, sku, at, added)
    SELECT '~v-' || s, {_SKU}, now() - interval '30 days' * (1 - s::float / {{sessions}})
        + interval '1 minute' * place, random() < 0.1
    FROM (SELECT s, floor(random() * {{families}})::integer AS family
          FROM generate_series(1, {{sessions}}) AS s OFFSET 0) AS session,
        generate_series(1, 4) AS place;
    INSERT INTO baskets (order_id, customer_id, skus, placed_at, cancelled)
    SELECT 'o-' || o, 'c-' || o % ({{orders}} / 4), ARRAY(
            SELECT DISTINCT {_SKU} FROM generate_series(1, 4 + o - o)),
        now() - interval '300 days' * (1 - o::float / {{orders}}), false
    FROM (SELECT o, floor(random() * {{families}})::integer AS family
          FROM generate_series(1, {{orders}}) AS o OFFSET 0) AS ordered;
    ANALYZE
"""  # noqa: S608 - numbers of our own


class Recommending:
    """The bench of `recommend` alone over its servers."""

    def __init__(
        self, servers: Servers, figures: Figures, noise: machine.Noise, *, quick: bool
    ) -> None:
        self._servers, self._figures, self._noise = servers, figures, noise
        self._size = QUICK if quick else FULL

    def run(self) -> None:
        size, servers = self._size, self._servers
        print("filling recommend's projection", flush=True)
        fill = _FILL.format(
            family=_FAMILY,
            families=size.products // _FAMILY,
            products=size.products,
            sessions=size.sessions,
            orders=size.orders,
        )
        servers.postgres.sql(fill, _DATABASE)
        settings = {"PERENNIAL_ADMIN_KEY_SHA256": key_hash(_KEY)}
        with self._noise.during("recommend"):
            self._refit()
            began = time.monotonic()
            with servers.service("recommend", _DATABASE, **settings) as process:
                processes.wait_until_ready(servers.port, process, servers.output("recommend"))
                loaded = time.monotonic() - began
                self._figure("load_s", loaded, "s", "from the process's start until it is ready")
                asyncio.run(self._serve())
                asyncio.run(self._learn())
                models = self._ask("/v1/models")
                self._figure("update_us", models["update_us"], "µs", "a view, a mean that fades")
                memory = psutil.Process(process.pid).memory_info().rss / 1e6
                self._figure("rss_mb", memory, "MB", "the service's process, after the load")

    def _figure(self, name: str, value: float, unit: str, offered: str, **more: object) -> None:
        name = f"recommend.{name}"
        size = self._size
        offered = (
            f"{offered}; {size.products:,} products, {4 * (size.sessions + size.orders):,} events"
        )
        self._figures[name] = figure(name, [value], unit=unit, offered=offered, **more)  # type: ignore[arg-type]  # passed on

    def _ask(self, path: str) -> dict[str, float]:
        url = f"http://{processes.HOST}:{self._servers.port}{path}"
        answer = httpx.get(url, headers={"Authorization": f"Bearer {_KEY}"}, timeout=60.0)
        answer.raise_for_status()
        found: dict[str, float] = answer.json()
        return found

    def _refit(self) -> None:
        """The service's own fit, from the database to the database, and the peer's on the same rows."""
        environment = self._servers.environment("recommend", _DATABASE)
        began = time.monotonic()
        code, _ = processes.ask("recommend_service.fitting", environment=environment)
        seconds = time.monotonic() - began
        if code:
            raise processes.ProgramFailed(f"the fit ended with exit code {code}")
        peer = processes.ask_json("bench.floors.als", self._servers.postgres.url(_DATABASE))
        offered = "read, fitted, stored; floor: implicit's ALS, read and fitted"
        self._figure("refit_s", seconds, "s", offered, floor=[peer["seconds"]])

    async def _serve(self) -> None:
        """An open loop: a question each 3.3 ms whoever is still waiting, timed from when it was due."""
        random, size = Random(4), self._size
        connections = await connect_all(self._servers.port, _CONNECTIONS)
        free: asyncio.Queue[int] = asyncio.Queue()
        for place in range(_CONNECTIONS):
            free.put_nowait(place)
        times: list[float] = []
        failures: Counter[str] = Counter()

        async def ask(request: bytes, due: float) -> None:
            place = await free.get()
            answer = await connections[place].send(request)
            free.put_nowait(place)
            if answer.status == 200:
                times.append(time.perf_counter() - due)
            else:
                failures[f"status {answer.status}"] += 1

        began = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(_RATE * size.seconds)):
                due = began + number / _RATE
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
                group.create_task(ask(encode("GET", _question(random, size), _KEY), due))
        ordered = sorted(times)
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            value = measured.percentile(ordered, share) * measured.MILLISECONDS
            offered = f"{_RATE}/s in an open loop: homes, product pages and carts"
            kept = [dict(failures)] if name == "p50" else []
            self._figure(f"serve.{name}_ms", value, "ms", offered, failures=kept)

    async def _learn(self) -> None:
        """From a click's append to the log until the visitor's answer is another."""
        log, times = open_log(self._servers.log_url), list[float]()
        try:
            async with httpx.AsyncClient(
                base_url=f"http://{processes.HOST}:{self._servers.port}",
                headers={"Authorization": f"Bearer {_KEY}"},
            ) as client:
                for number in range(self._size.probes):
                    visitor = f"probe-{os.getpid()}-{number}"
                    query = {"anonymous_id": visitor, "strategy": "also_viewed"}
                    click = Clicked(
                        name="product_viewed", anonymous_id=visitor, sku=f"s-{_FAMILY * number}"
                    )
                    began = time.perf_counter()
                    await log.append([seal(click, source="/bench", time=utc_now())])
                    await _changed(client, query)
                    times.append(time.perf_counter() - began)
        finally:
            await log.close()
        value = measured.percentile(sorted(times), 0.99) * measured.MILLISECONDS
        self._figure("learn_ms", value, "ms", "p99 from the append to the log to a changed answer")


async def _changed(client: httpx.AsyncClient, query: dict[str, str]) -> None:
    """Return when there is an answer. Raises `ProgramFailed` after ten seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        answer = await client.get("/v1/recommendations", params=query)
        if answer.json()["data"]:
            return
    raise processes.ProgramFailed("a click changed nothing within ten seconds")


def _question(random: Random, size: Size) -> str:
    path = "/v1/recommendations?placement="
    sku = f"s-{random.randrange(size.products)}"
    match random.randrange(4):
        case 0:
            return f"{path}home&anonymous_id=v-{random.randrange(size.sessions) + 1}"
        case 1:
            return f"{path}home&customer_id=c-{random.randrange(size.orders // 4)}"
        case 2:
            return f"{path}product&sku={sku}"
    other = f"s-{random.randrange(size.products)}"
    return f"{path}cart&sku={sku}&sku={other}&customer_id=c-{random.randrange(size.orders // 4)}"
