"""What a sender asks before it sends: address and permission of 500 customers at once."""

import asyncio
from collections.abc import Iterator

import asyncpg
import httpx
from pydantic_core import to_json

from bench import machine, processes
from bench.homes import Platform
from bench.load.process import Load
from bench.load.scenarios import CONTACTS, contact
from bench.results import Figures, figure
from perennial_events.driver import connect_arguments

NAME = "contacts.lookup_500_ms"
ROUNDS, LOOKUPS, QUICK_LOOKUPS = 3, 2_000, 300
_CLIENTS = 2
_WITHIN = 60.0
_LINES_AT_ONCE = 1_000

# As if each had said it at the checkout, two of three a second time: a history of one to three words.
_CONSENTS = """
    INSERT INTO consents (customer_id, channel, purpose, version, status, source, at)
    SELECT customer_id, channel, 'marketing', said, 'granted', 'checkout', now()
    FROM customers, unnest(ARRAY['email', 'sms']) AS channel, generate_series(1, 3) AS said
    WHERE abs(hashtext(customer_id)) % 10 > 0 AND said <= 1 + abs(hashtext(customer_id)) % 3
"""


class Contacts:
    """The bench of `contacts:lookup`, on a platform of its own."""

    def __init__(self, platform: Platform, figures: Figures, noise: machine.Noise) -> None:
        self._platform = platform
        self._figures = figures
        self._noise = noise

    def run(self, *, quick: bool) -> None:
        platform = self._platform
        platform.start()
        self._import_customers()
        asyncio.run(_store_consents(platform.databases["profile"]))
        platform.settle()
        lookups = QUICK_LOOKUPS if quick else LOOKUPS
        with Load(platform.ports, platform.key) as load, self._noise.during("contacts"):
            load.run("contacts", requests=lookups // 10, clients=_CLIENTS, within=_WITHIN)
            rounds = [
                load.run("contacts", requests=lookups, clients=_CLIENTS, within=_WITHIN)
                for _ in range(1 if quick else ROUNDS)
            ]
        self._figures[NAME] = figure(
            NAME,
            [each.p99_ms for each in rounds],
            offered=rounds[0].load,
            failures=[each.failures for each in rounds],
            notes={"p50_ms": rounds[-1].p50_ms, "per_s": rounds[-1].per_s},
        )

    def _import_customers(self) -> None:
        print(f"importing {CONTACTS:,} customers", flush=True)
        answer = httpx.post(
            f"http://{processes.HOST}:{self._platform.ports['profile']}/v1/customers:import",
            content=_lines(),
            headers={
                "Authorization": f"Bearer {self._platform.key}",
                "Content-Type": "application/x-ndjson",
            },
            timeout=300,
        )
        totals = answer.json()
        if totals != {"created": CONTACTS, "unchanged": 0, "refused": 0}:
            raise RuntimeError(f"the customers could not be imported: {totals}")


def _lines() -> Iterator[bytes]:
    for start in range(0, CONTACTS, _LINES_AT_ONCE):
        yield b"".join(
            to_json(
                {
                    "customer_id": contact(number),
                    "email": f"{contact(number)}@example.org",
                    "name": f"Customer {number}",
                    "locale": "nl-NL",
                    "attributes": {"size": number % 50, "newsletter": "weekly"},
                }
            )
            + b"\n"
            for number in range(start, start + _LINES_AT_ONCE)
        )


async def _store_consents(url: str) -> None:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        await connection.execute(_CONSENTS)
        await connection.execute("ANALYZE consents, customers")
    finally:
        await connection.close()
