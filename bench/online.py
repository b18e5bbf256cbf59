"""What the running platform does: every bench here has all five services up and following."""

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import httpx

from bench import machine, processes
from bench.homes import FLOOR_DATABASE, Platform
from bench.load.measured import Measured
from bench.load.process import Load
from bench.load.scenarios import KNOWN_CUSTOMERS, known
from bench.load.traffic import CUSTOMERS
from bench.results import Figures, figure
from perennial_events.catalogue.engagement import CLICKS

DOORS = "bench.floors.doors"


class Sizes(NamedTuple):
    """How much is offered, and how often a short bench is repeated for its median."""

    rounds: int
    singles: int
    batches: int
    orders: int
    reads: int
    fresh_seconds: float
    within: float
    """Seconds after which a round sends nothing more."""


FULL = Sizes(3, 12_000, 200, 4_000, 15_000, 60.0, 60.0)
QUICK = Sizes(1, 4_000, 60, 800, 4_000, 10.0, 15.0)

_CLIENTS = 16
_SINGLE_CONNECTIONS = 64
_BATCH_CONNECTIONS = 8
_RATE = 500
_MEMBERSHIP_RATE = 200
_CLIENT_REQUESTS = 20_000


class Online:
    """The benches of one platform, in the order in which they run."""

    def __init__(
        self, platform: Platform, sizes: Sizes, figures: Figures, noise: machine.Noise
    ) -> None:
        self._noise = noise
        self._platform = platform
        self._sizes = sizes
        self._figures = figures
        self._load: Load | None = None
        self._knows_customers = False

    def run(self, names: Sequence[str]) -> None:
        benches: dict[str, Callable[[], None]] = {
            "single": self._single,
            "batch": self._batch,
            "orders": self._orders,
            "reads": self._reads,
            "freshness": self._freshness,
            "segments": self._segments,
            "memory": self._memory,
        }
        self._start(measured="start" in names)
        with Load(self._platform.ports, self._platform.key) as self._load:
            self._platform.postgres().ensure_databases([FLOOR_DATABASE])
            self._client()
            for name, bench in benches.items():
                if name in names:
                    print(f"{self._platform.log}: {name}", flush=True)
                    with self._noise.during(name):
                        bench()
                    self._platform.settle()

    # The benches

    def _start(self, *, measured: bool) -> None:
        platform = self._platform
        first = platform.start()
        if not measured:
            return
        seconds, floor = [], []
        for _ in range(self._sizes.rounds):
            platform.stop()
            floor.append(platform.postgres_alone())
            seconds.append(platform.start())
        offered = "five services ready, from the second start on; floor: PostgreSQL alone"
        self._figures["platform.start_s"] = figure(
            "platform.start_s", seconds, offered=offered, floor=floor
        )
        self._figures["platform.first_start_s"] = figure(
            "platform.first_start_s", [first], offered="an empty home", unit="s"
        )

    def _client(self) -> None:
        """What the load client costs, against a server that only answers."""
        folder, port = self._platform.home, self._platform.floor_port
        with processes.running("bench.floors.nothing", port, folder=folder):
            ports = {"nothing": port}
            found = self._run("nothing", _CLIENT_REQUESTS, _SINGLE_CONNECTIONS, ports)
        self._figures["client.us_per_request"] = figure(
            "client.us_per_request",
            [found.client_us],
            unit="µs",
            offered=found.load,
            failures=[found.failures],
            notes={"per_s": found.per_s},
        )

    def _single(self) -> None:
        rounds, floors = self._beside_floor(
            "single", self._sizes.singles, _SINGLE_CONNECTIONS, "engagement"
        )
        self._rates("ingest.single.requests_per_s", rounds, floors)
        self._latency("ingest.single.p99_ms", rounds, floors)

    def _batch(self) -> None:
        rounds, floors = self._beside_floor(
            "batch", self._sizes.batches, _BATCH_CONNECTIONS, "engagement"
        )
        self._rates("ingest.batch.events_per_s", rounds, floors)
        offered = f"{floors[0].load} into a bare app, one COPY each"
        rates = [each.per_s for each in floors]
        self._figures["ingest.floor"] = figure(
            "ingest.floor",
            rates,
            unit="events/s",
            offered=offered,
            failures=[each.failures for each in floors],
        )

    def _orders(self) -> None:
        self._make_known()
        rounds, floors = self._beside_floor("orders", self._sizes.orders, _CLIENTS, "orders")
        self._rates("orders.place.per_s", rounds, floors)
        self._latency("orders.place.p99_ms", rounds, floors)

    def _reads(self) -> None:
        self._make_known()
        rounds, floors = self._beside_floor(
            "reads", self._sizes.reads, _CLIENTS, "profile", self._store_states
        )
        self._rates("state.read.per_s", rounds, floors)
        self._latency("state.read.p99_ms", rounds, floors)

    def _freshness(self) -> None:
        self._make_known()
        seconds = self._sizes.fresh_seconds
        self._run("fresh", 0, 1, rate=_RATE, within=min(seconds, 3.0))  # not counted: it warms up
        self._platform.settle()
        before = self._platform.processor_seconds()
        found = self._run("fresh", 0, 1, rate=_RATE, within=seconds)
        for name, used in self._platform.processor_seconds().items():
            found.notes[f"cores.{name}"] = (used - before[name]) / found.seconds
        self._platform.settle()
        floor = processes.ask_json(
            "bench.floors.delivery", self._platform.log_url, str(_RATE), str(min(seconds, 10.0))
        )
        for name, value in (("p50_ms", found.p50_ms), ("p99_ms", found.p99_ms)):
            self._figures[f"freshness.{name}"] = figure(
                f"freshness.{name}",
                [value],
                offered=found.load,
                floor=[floor[name]],
                failures=[found.failures] if name == "p50_ms" else [],
                notes=found.notes,
            )

    def _segments(self) -> None:
        """How late a change's membership can be read, with ten segments to keep."""
        self._make_known()
        self._run("segments", 0, 1)
        seconds = self._sizes.fresh_seconds
        self._run("members", 0, 1, rate=_MEMBERSHIP_RATE, within=min(seconds, 3.0))
        self._platform.settle()
        before = self._platform.processor_seconds()
        found = self._run("members", 0, 1, rate=_MEMBERSHIP_RATE, within=seconds)
        for name, used in self._platform.processor_seconds().items():
            found.notes[f"cores.{name}"] = (used - before[name]) / found.seconds
        self._figures["segments.change_visible_ms"] = figure(
            "segments.change_visible_ms",
            [found.p99_ms],
            offered=f"{found.load} (p99)",
            failures=[found.failures],
            notes={"p50_ms": found.p50_ms, **found.notes},
        )

    def _memory(self) -> None:
        ours, postgres, kafka = self._platform.memory_mb()
        notes = {"services_mb": ours - postgres}
        self._figures["platform.memory_mb"] = figure(
            "platform.memory_mb",
            [ours],
            floor=[postgres],
            offered="at rest after the load; floor: PostgreSQL's part of it",
            notes=notes,
        )
        if kafka:
            self._figures["platform.kafka_mb"] = figure(
                "platform.kafka_mb", [kafka], unit="MB", offered="the broker, not in memory_mb"
            )

    # How they are run

    def _run(
        self,
        scenario: str,
        requests: int,
        clients: int,
        ports: dict[str, int] | None = None,
        *,
        rate: int = 0,
        within: float | None = None,
    ) -> Measured:
        if self._load is None:
            raise RuntimeError("the load process is not running")
        seconds = self._sizes.within if within is None else within
        return self._load.run(
            scenario, requests=requests, clients=clients, within=seconds, rate=rate, ports=ports
        )

    def _beside_floor(
        self,
        scenario: str,
        requests: int,
        clients: int,
        service: str,
        prepare: Callable[[], None] = lambda: None,
    ) -> tuple[list[Measured], list[Measured]]:
        """Rounds of the platform and of its floor in turn, so that both meet the same noise."""
        rounds, floors = [], []
        with self._floor() as port:
            prepare()
            ports = {service: port}
            for target in (None, ports):  # statements are prepared, caches filled
                self._run(scenario, max(clients, requests // 10), clients, target)
            for _ in range(self._sizes.rounds):
                self._platform.settle()
                rounds.append(self._checked(scenario, requests, clients))
                behind = self._platform.settle()
                rounds[-1].notes["followed_after_s"] = behind
                floors.append(self._run(scenario, requests, clients, ports))
        return rounds, floors

    def _checked(self, scenario: str, requests: int, clients: int) -> Measured:
        """A round, and whether the log got every click that was accepted."""
        if scenario not in ("single", "batch"):
            return self._run(scenario, requests, clients)
        before = self._platform.appended(CLICKS)
        found = self._run(scenario, requests, clients)
        missing = found.done - (self._platform.appended(CLICKS) - before)
        if missing:
            found.failures["accepted but not in the log"] = abs(missing)
        return found

    @contextmanager
    def _floor(self) -> Iterator[int]:
        platform = self._platform
        url = platform.postgres().url(FLOOR_DATABASE)
        with processes.running(DOORS, platform.floor_port, url, folder=platform.home) as port:
            yield port

    def _make_known(self) -> None:
        if not self._knows_customers:
            found = self._run("history", 0, _CLIENTS, within=120.0)
            if found.errors:
                raise RuntimeError(f"the customers could not be made: {found.failures}")
            self._platform.settle()
            self._knows_customers = True

    def _store_states(self) -> None:
        """Give the floor the states that it is asked for: the text of a real one for each."""
        url = f"http://{processes.HOST}:{self._platform.ports['profile']}"
        headers = {"Authorization": f"Bearer {self._platform.key}"}
        state = httpx.get(f"{url}/v1/customers/{known(1)}/state", headers=headers).text
        numbers = f"generate_series(0, {KNOWN_CUSTOMERS - 1}) AS n"
        # `known` and `customer` in SQL.
        ids = f"'c-' || lpad((n * 19 % {CUSTOMERS})::text, 5, '0')"
        self._platform.postgres().sql(
            f"INSERT INTO states SELECT {ids}, $state${state}$state$ FROM {numbers}"  # noqa: S608 - ours
            " ON CONFLICT DO NOTHING",
            FLOOR_DATABASE,
        )

    def _rates(self, name: str, rounds: Sequence[Measured], floors: Sequence[Measured]) -> None:
        self._figures[name] = figure(
            name,
            [each.per_s for each in rounds],
            offered=rounds[0].load,
            floor=[each.per_s for each in floors],
            failures=[each.failures for each in (*rounds, *floors)],
            notes=_notes(rounds),
        )

    def _latency(self, name: str, rounds: Sequence[Measured], floors: Sequence[Measured]) -> None:
        """Failures stand beside the rate, once."""
        self._figures[name] = figure(
            name,
            [each.p99_ms for each in rounds],
            unit="ms",
            offered=rounds[0].load,
            floor=[each.p99_ms for each in floors],
        )


def _notes(rounds: Sequence[Measured]) -> dict[str, float]:
    """Medians of what was measured besides."""
    return {
        "p50_ms": statistics.median(each.p50_ms for each in rounds),
        "client_us_per_request": statistics.median(each.client_us for each in rounds),
        "followed_after_s": statistics.median(
            each.notes.get("followed_after_s", 0.0) for each in rounds
        ),
    }
