"""Segments at size: a new rule held against 260,000 customers with 5,000,000 events behind them.

The base is made in the database itself, as the projection would have left it after a year: heap and index
in the order of time, a third of the clicks by anonymous visitors, of whom some are known by now. Then
`profile` runs alone over it, and a rule is given to it as a shop would.
"""

import asyncio
import time
from typing import Any, NamedTuple

import asyncpg
import httpx

from bench import machine, processes
from bench.homes import Servers
from bench.results import Figures, figure
from perennial_cli.supervisor.home import key_hash
from perennial_events.driver import connect_arguments

_KEY = "pk_bench_segments"
_DATABASE = "profile_segments"
_MIGRATED = "profile"
_SEGMENT = "/v1/segments/bench"
_LOOK_SECONDS = 0.05
_WITHIN = 120.0


class Base(NamedTuple):
    customers: int
    events: int


FULL, QUICK = Base(260_000, 5_000_000), Base(26_000, 500_000)

# Some buy more than others: a square puts a quarter of the orders with a sixteenth of the customers.
_CUSTOMERS = """
    INSERT INTO customers (customer_id, registered, country, created_at)
    SELECT 'c-' || n, true, (ARRAY['DE', 'NL', 'FR'])[n % 3 + 1], now() - interval '1 year'
    FROM generate_series(1, $1::bigint) AS n
"""
_ALIASES = """
    INSERT INTO aliases SELECT '~a-' || n, 'c-' || n, now() - interval '1 month'
    FROM generate_series(1, $1::bigint, 3) AS n
"""
_ORDERS = """
    INSERT INTO order_facts (order_id, customer_id, placed_at, paid_at, total, cost)
    SELECT 'o-' || n, 'c-' || 1 + floor($1 * power(random(), 2)), at, at, 5000, 2500
    FROM generate_series(1, $2::bigint / 12) AS n,
         LATERAL (SELECT now() - interval '1 year' * (1 - n * 12.0 / $2)) AS t (at)
"""
_TIMELINE = """
    INSERT INTO timeline (identity, at, event_id, type, name, data)
    SELECT CASE WHEN n % 3 = 0 AND n % 12 <> 0 THEN '~a-' ELSE 'c-' END || 1 + floor($1 * random()),
           now() - interval '1 year' * (1 - n / $2::double precision), gen_random_uuid(),
           CASE WHEN n % 12 = 0 THEN 'perennial.orders.order_placed.v1'
                ELSE 'perennial.clicks.clicked.v1' END,
           CASE WHEN n % 12 = 0 THEN 'order_placed' WHEN n % 12 = 1 THEN 'product_added'
                ELSE 'product_viewed' END,
           json_build_object('name', 'product_viewed', 'session_id', 's-' || n, 'sku',
               'sku-' || n % 2000, 'properties', json_build_object('category', 'shoes', 'price', 19.99))
    FROM generate_series(1, $2::bigint) AS n
"""


def rule(least: int) -> dict[str, Any]:
    """Three clauses: buyers who look around lately, and have not ordered lately."""
    viewed = {"event": "product_viewed", "count": {"op": ">=", "value": least}, "within": "30d"}
    return {
        "all": [
            {"field": "orders.count", "op": ">=", "value": 2},
            viewed,
            {"not": {"event": "order_placed", "within": "14d"}},
        ]
    }


class Segments:
    """The benches of segments over a base of their own."""

    def __init__(
        self, servers: Servers, rounds: int, figures: Figures, noise: machine.Noise, *, quick: bool
    ) -> None:
        self._servers = servers
        self._rounds = rounds
        self._figures = figures
        self._noise = noise
        self._base = QUICK if quick else FULL

    def run(self) -> None:
        postgres = self._servers.postgres
        postgres.create_database(_DATABASE, template=_MIGRATED)
        url = postgres.url(_DATABASE)
        print(
            f"making {self._base.customers:,} customers, {self._base.events:,} events", flush=True
        )
        asyncio.run(_make(url, self._base))
        settings = {"PERENNIAL_ADMIN_KEY_SHA256": key_hash(_KEY)}
        with (
            self._noise.during("segments"),
            self._servers.service("profile", _DATABASE, **settings) as process,
            httpx.Client(
                base_url=f"http://{processes.HOST}:{self._servers.port}",
                headers={"Authorization": f"Bearer {_KEY}"},
                timeout=60.0,
            ) as client,
        ):
            processes.wait_until_ready(self._servers.port, process, self._servers.output("profile"))
            found = [self._recompute(client, url, least) for least in range(3, 3 + self._rounds)]
        postgres.drop_database(_DATABASE)
        self._figures["segments.recompute_260k_s"] = figure(
            "segments.recompute_260k_s",
            [seconds for seconds, _ in found],
            unit="s",
            offered=f"a three-clause rule, {self._base.customers:,} customers,"
            f" {self._base.events:,} events behind them: from the answer to its PUT until its"
            " members can be read",
            notes={"members": float(found[0][1])},
        )

    def _recompute(self, client: httpx.Client, url: str, least: int) -> tuple[float, int]:
        """The seconds until the members by a new rule stood, and how many they were."""
        body = {"name": "Bench", "rule": rule(least)}
        answer = client.put(_SEGMENT, json=body)
        answer.raise_for_status()
        began = time.perf_counter()
        while client.get(f"{_SEGMENT}/members?limit=1").json()["status"] != "ready":
            if time.perf_counter() - began > _WITHIN:
                raise processes.ProgramFailed(f"not computed after {_WITHIN:.0f} s")
            time.sleep(_LOOK_SECONDS)
        seconds = time.perf_counter() - began
        return seconds, asyncio.run(_told(url))


async def _make(url: str, base: Base) -> None:
    connection = await asyncpg.connect(**connect_arguments(url))
    customers, events = base
    # Sorted once at the end, the keys take a fraction of the time that they take one by one.
    await connection.execute("ALTER TABLE timeline DROP CONSTRAINT timeline_pkey")
    await connection.execute("DROP INDEX timeline_named")
    await connection.execute(_CUSTOMERS, customers)
    await connection.execute(_ALIASES, customers)
    await connection.execute(_ORDERS, customers, events)
    await connection.execute(_TIMELINE, customers, events)
    await connection.execute("ALTER TABLE timeline ADD PRIMARY KEY (identity, at, event_id)")
    await connection.execute(
        "CREATE INDEX timeline_named ON timeline (name, at) INCLUDE (identity)"
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


async def _told(url: str) -> int:
    """Wait until everything that the rule changed was told; how many members there are."""
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        async with asyncio.timeout(_WITHIN):
            while await connection.fetchval(  # noqa: ASYNC110 - another process does it
                "SELECT EXISTS (SELECT FROM segment_changes) OR EXISTS (SELECT FROM outbox)"
            ):
                await asyncio.sleep(0.2)
        found: int = await connection.fetchval("SELECT count(*) FROM segment_members")
    finally:
        await connection.close()
    return found
