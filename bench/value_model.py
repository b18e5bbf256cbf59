"""The value model: CDNOW fitted beside `lifetimes`, and a million simulated customers fitted and scored."""

import asyncio
import time
import warnings
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bench import machine
from bench.homes import Servers
from bench.processes import ProgramFailed
from bench.results import Figures, figure
from perennial_events import Database, driver
from profile_service.value_model.fitting.bg_nbd import Buyers, Days, fit_bg_nbd
from profile_service.value_model.fitting.gamma_gamma import fit_gamma_gamma
from profile_service.value_model.fitting.job import Circumstances, work
from profile_service.value_model.fitting.rescoring import rescore
from profile_service.value_model.service import request_fit, standing_model

CUSTOMERS, QUICK_CUSTOMERS = 1_000_000, 50_000
CALIBRATION_END = np.datetime64("1997-09-30")
_FITS = 15
_SPAN = 730
_R, _ALPHA, _A, _B = 0.243, 4.414, 0.793, 2.426
"""CDNOW's: most customers never come back, a few come often."""


class Story(NamedTuple):
    """Simulated purchases: whose, and on which day of the shop's two years."""

    customer: Days
    day: Days


class ValueModel:
    """The value model's benches; the whole job runs against profile's own database."""

    def __init__(
        self, servers: Servers, data: Path, figures: Figures, noise: machine.Noise, *, quick: bool
    ) -> None:
        self._servers = servers
        self._data = data
        self._figures = figures
        self._noise = noise
        self._customers = QUICK_CUSTOMERS if quick else CUSTOMERS

    def run(self) -> None:
        with self._noise.during("value"):
            self._cdnow()
            self._million()

    def _cdnow(self) -> None:
        file = self._data / "cdnow" / "CDNOW_sample.txt"
        if not file.exists():
            print(f"no CDNOW sample at {file}: its figure is left out", flush=True)
            return
        from lifetimes import BetaGeoFitter  # noqa: PLC0415 - a peer, loaded where it is measured

        repeats, recency, age = _calibration(file)
        weeks = (repeats, recency / 7, age / 7)
        ours = _milliseconds(lambda: fit_bg_nbd(Buyers.of(repeats, recency, age)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = _milliseconds(lambda: BetaGeoFitter().fit(*weeks))
        self._figures["value_model.cdnow_fit_ms"] = figure(
            "value_model.cdnow_fit_ms",
            ours,
            floor=theirs,
            offered=f"BG/NBD on {len(repeats):,} customers; the floor is lifetimes on the same",
        )

    def _million(self) -> None:
        print(f"simulating {self._customers:,} customers", flush=True)
        story = _simulated(self._customers)
        repeats, recency, age, mean = _summary(story)
        again = repeats > 0
        began = time.perf_counter()
        fit_bg_nbd(Buyers.of(repeats, recency, age))
        fit_gamma_gamma(repeats[again], mean[again])
        fitted = time.perf_counter() - began
        offered = f"{self._customers:,} customers, {len(story.day):,} purchase days"
        whole = asyncio.run(self._job(story))
        self._figures["value_model.fit_1m_s"] = figure(
            "value_model.fit_1m_s",
            [whole["fit"]],
            offered=f"{offered}: read from the orders, both models, holdout, stored",
            notes={"the two fits alone": fitted},
        )
        self._figures["value_model.score_1m_s"] = figure(
            "value_model.score_1m_s",
            [whole["score"]],
            offered=f"{offered}: histories read, everybody predicted for, rows written",
            notes={"a second time, over the rows of the first": whole["again"]},
        )

    async def _job(self, story: Story) -> dict[str, float]:
        """The seconds of a fit, of the scoring after it, and of a rescoring."""
        url = self._servers.postgres.url("profile")
        database = Database(url, source="/perennial/bench", pool_size=2)
        now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        await _fill(database, story)
        async with database.transaction() as session:
            await request_fit(session, None, None, now)
        began = time.perf_counter()
        await work(database, Circumstances(url, now, minor_units=100, discount_rate=0.1))
        worked = time.perf_counter()
        await rescore(database, now)
        ended = time.perf_counter()
        async with database.reading() as session:
            model = await standing_model(session)
        await database.close()
        if model is None:
            raise ProgramFailed("the fit of the simulated customers was refused")
        return {
            "fit": model.seconds,
            "score": worked - began - model.seconds,
            "again": ended - worked,
        }


def _milliseconds(fit: Callable[[], Any]) -> list[float]:
    found = []
    fit()
    for _ in range(_FITS):
        began = time.perf_counter()
        fit()
        found.append((time.perf_counter() - began) * 1_000)
    return found


def _calibration(file: Path) -> tuple[Days, Days, Days]:
    """Repeat days, recency and age in days of the sample's customers at the end of September 1997."""
    rows = [line.split() for line in file.read_text().splitlines()]
    days: dict[str, set[np.datetime64]] = {}
    for _, id, day, *_ in rows:
        at = np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}")
        if at <= CALIBRATION_END:
            days.setdefault(id, set()).add(at)
    first = np.array([min(of) for of in days.values()])
    last = np.array([max(of) for of in days.values()])
    repeats = np.array([len(of) - 1 for of in days.values()])
    return (
        repeats,
        (last - first).astype(np.int64),
        (CALIBRATION_END - first).astype(np.int64),
    )


def _simulated(customers: int) -> Story:
    """As BG/NBD tells it: everybody begins some day of two years, buys, and stops at some purchase."""
    chance = np.random.default_rng(1)
    begin = chance.integers(0, _SPAN, customers)
    rate = chance.gamma(_R, 1 / _ALPHA, customers) / 7
    stops = chance.beta(_A, _B, customers)
    parts = [Story(np.arange(customers), begin)]
    at, there = begin.astype(np.float64), np.arange(customers)
    while len(there):
        at[there] += chance.exponential(1 / np.maximum(rate[there], 1e-12))
        there = there[at[there] < _SPAN]
        parts.append(Story(there, at[there].astype(np.int64)))
        there = there[chance.random(len(there)) > stops[there]]
    return Story(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _summary(story: Story) -> tuple[Days, Days, Days, np.ndarray]:
    kinds = np.unique(story.customer * _SPAN + story.day)
    customer, day = np.divmod(kinds, _SPAN)
    first = np.flatnonzero(np.diff(customer, prepend=-1))
    repeats = np.diff(first, append=len(customer)) - 1
    last = np.append(first[1:], len(customer)) - 1
    chance = np.random.default_rng(2)
    mean = chance.gamma(3.74, 8.0, len(first))
    return repeats, day[last] - day[first], _SPAN - day[first], mean


_ORDERS_AT_ONCE = 200_000


async def _fill(database: Database, story: Story) -> None:
    """Customers and paid orders, as the projection would hold them."""
    async with database.transaction() as session:
        connection = await driver(session)
        await connection.execute("SET LOCAL statement_timeout = '10min'")
        await connection.execute("TRUNCATE predictions, order_facts, customers CASCADE")
        await connection.execute(
            "INSERT INTO customers (customer_id, registered)"
            " SELECT 'c-' || lpad(n::text, 7, '0'), false FROM generate_series(0, $1::bigint) n",
            int(story.customer.max()),
        )
        for start in range(0, len(story.day), _ORDERS_AT_ONCE):
            await _orders(connection, story, start)
    async with database.transaction() as session:
        connection = await driver(session)
        await connection.execute("ANALYZE order_facts")
        await connection.execute("ANALYZE customers")


async def _orders(connection: Any, story: Story, start: int) -> None:
    part = slice(start, start + _ORDERS_AT_ONCE)
    whose: Sequence[int] = story.customer[part].tolist()
    days: Sequence[int] = story.day[part].tolist()
    await connection.execute(
        """
        INSERT INTO order_facts (order_id, customer_id, placed_at, paid_at, total)
        SELECT 'o-' || n, 'c-' || lpad(customer::text, 7, '0'), at, at, 1000 + (n * 7919) % 9000
        FROM (SELECT $3::bigint + place AS n, customer,
                     timestamptz '2024-03-01 12:00Z' + make_interval(days => day) AS at
              FROM unnest($1::integer[], $2::integer[]) WITH ORDINALITY AS o (customer, day, place)) o
        """,
        whose,
        days,
        start,
    )
