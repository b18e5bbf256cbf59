"""Populations to fit: CDNOW's real one, and those that buy as BG/NBD tells it."""

import os
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import numpy as np
import pytest

from perennial_events import Event, seal
from perennial_events.catalogue import OrderPaid, OrderPlaced
from perennial_events.log import Log
from perennial_http.testing import until
from profile_service.value_model.fitting.bg_nbd import Days
from profile_service.value_model.fitting.summary import Purchases
from profile_service.value_model.rules import BgNbd, GammaGamma

Json = dict[str, Any]

DATA = Path(os.environ.get("PERENNIAL_DATA") or Path(__file__).parents[5] / "shared" / "data")
CDNOW = DATA / "cdnow" / "CDNOW_sample.txt"


class Purchase(NamedTuple):
    customer_id: str
    day: date
    cents: int


@pytest.fixture(scope="session")
def purchases_of() -> Callable[[list[Purchase], date, date], Purchases]:
    return _purchases_of


def _purchases_of(bought: list[Purchase], calibration_end: date, as_of: date) -> Purchases:
    """What the fit reads from the database, counted here in plain loops."""
    days: dict[str, dict[date, int]] = {}
    for customer_id, day, cents in bought:
        of_customer = days.setdefault(customer_id, {})
        of_customer[day] = of_customer.get(day, 0) + cents
    began = {id: min(of) for id, of in days.items() if min(of) <= calibration_end}
    origin = min(began.values())
    rows, weekly = [], np.zeros((as_of - origin).days // 7 + 1, dtype=np.int64)
    for id, first in began.items():
        repeats = [day for day in days[id] if first < day <= calibration_end]
        after = [day for day in days[id] if calibration_end < day <= as_of]
        for day in (*repeats, *after):
            weekly[(day - origin).days // 7] += 1
        last = max(repeats, default=first)
        spent = sum(days[id][day] for day in repeats)
        rows.append(
            (
                (first - origin).days,
                len(repeats),
                (last - first).days,
                len(repeats),
                spent,
                len(after),
            )
        )
    columns: list[Any] = [origin, *np.array(rows, dtype=np.int64).T, weekly]
    return Purchases(*columns)


@pytest.fixture(scope="session")
def cdnow() -> list[Purchase]:
    """The purchases of the CDNOW sample; one visible skip where the file is missing."""
    if not CDNOW.exists():
        pytest.skip(f"no CDNOW sample at {CDNOW}")
    bought = []
    for line in CDNOW.read_text().splitlines():
        _, id, day, _, dollars = line.split()
        at = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
        bought.append(Purchase(f"cdnow-{id}", at, round(float(dollars) * 100)))
    return bought


class Columns(NamedTuple):
    repeats: Days
    recency: Days
    age: Days
    mean: np.ndarray
    """What a repeat purchase came to on average; nothing where there was none."""


@pytest.fixture(scope="session")
def simulate() -> Callable[[BgNbd, GammaGamma, int, int, int], Columns]:
    return _simulate


def _simulate(model: BgNbd, spending: GammaGamma, customers: int, weeks: int, seed: int) -> Columns:
    """Customers who begin within the first half of so many weeks, and then buy as the story goes."""
    chance = np.random.default_rng(seed)
    span = weeks * 7
    age = span - chance.integers(0, span // 2, customers)
    rate = chance.gamma(model.r, 1 / model.alpha, customers) / 7
    leaves = chance.beta(model.a, model.b, customers)
    value = spending.p, chance.gamma(spending.q, 1 / spending.gamma, customers)
    repeats, recency = np.zeros((2, customers), dtype=np.int64)
    spent, at, there = np.zeros(customers), np.zeros(customers), np.arange(customers)
    while len(there):
        at[there] += chance.exponential(1 / rate[there])
        there = there[at[there] < age[there]]
        day = np.ceil(at[there]).astype(np.int64)
        repeats[there] += day > recency[there]
        recency[there] = day
        spent[there] += chance.gamma(value[0], 1 / value[1][there])
        there = there[chance.random(len(there)) > leaves[there]]
    return Columns(repeats, recency, age, spent / np.maximum(repeats, 1))


Orders = list[tuple[datetime, Sequence[Event]]]


@pytest.fixture
def order() -> Callable[[str, str, int], Sequence[Event]]:
    return _order


def _order(order_id: str, customer_id: str, cents: int) -> Sequence[Event]:
    """An order placed and paid."""
    money: Json = {"currency": "EUR", "order_id": order_id, "customer_id": customer_id}
    placed = OrderPlaced(
        **money, lines=[], items=cents, discount=0, shipping=0, total=cents, base_total=cents
    )
    return placed, OrderPaid(**money, amount=cents, base_amount=cents)


@pytest.fixture
def year_of_orders(clock: Callable[[], datetime]) -> Orders:
    """400 days of 250 customers with rhythms of their own, a quarter of whom stop after each order."""
    chance = random.Random(1)
    begin, orders = clock() - timedelta(days=400), list[tuple[datetime, Sequence[Event]]]()
    for customer in range(250):
        at, gap = begin + timedelta(days=chance.randrange(200)), 1 / chance.gammavariate(1, 1 / 14)
        typical = 300_000 / chance.gammavariate(40, 1)
        while at < clock():
            cents = round(typical * chance.gammavariate(4, 1 / 4))
            orders.append((at, _order(f"o-{len(orders)}", f"c-{customer}", cents)))
            if chance.random() < 0.25:
                break
            at += timedelta(days=min(chance.expovariate(1 / gap), 3_000))
    return orders


@pytest.fixture
def history(platform_log: Log, client: httpx.AsyncClient) -> Callable[..., Awaitable[None]]:
    """Publishes past orders, each with its time; returns when profile has followed."""

    async def publish(orders: Orders) -> None:
        envelopes = [
            seal(event, source="/perennial/orders", time=at, imported=True)
            for at, events in orders
            for event in events
        ]
        for start in range(0, len(envelopes), 500):
            await platform_log.append(envelopes[start : start + 500])
        await until_applied(client)

    return publish


async def until_applied(client: httpx.AsyncClient) -> None:
    async def applied() -> bool:
        return not (await client.get("/v1/operations/lag")).json()["behind"]

    await until(applied, within=60)


Fitted = Callable[..., Awaitable[Json]]


@pytest.fixture
def fit(client: httpx.AsyncClient) -> Fitted:
    """Asks for a fit and waits for its end; answers with the job."""

    async def ask(**body: str) -> Json:
        asked = await client.post("/v1/value-model/fit", json=body)
        assert asked.status_code == 202, asked.text
        return await ended(client, asked.headers["Location"])

    return ask


async def ended(client: httpx.AsyncClient, location: str) -> Json:
    job: Json = {}

    async def has_ended() -> bool:
        job.update((await client.get(location)).json())
        return job["status"] not in ("queued", "running")

    await until(has_ended, within=60)
    return job


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of the real data sets."""
    return DATA
