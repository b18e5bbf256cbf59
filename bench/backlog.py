"""What one service does by itself with a log full of waiting events: projection, rebuild, ingest alone."""

import asyncio
import re
from collections.abc import Sequence
from typing import NamedTuple

from bench import machine, processes, settling
from bench.history import waiting_events
from bench.homes import FLOOR_DATABASE, SETTLE_SECONDS, Servers
from bench.load.process import Load
from bench.online import DOORS, Sizes
from bench.results import Figures, figure
from perennial_cli.supervisor.home import key_hash
from perennial_events import open_log

EVENTS, QUICK_EVENTS = 200_000, 40_000
_APPENDED_AT_ONCE = 500
"""As many as a batch has that a shop sends, so that the log's rows are as they would be."""

_KEY = "pk_bench_alone"
_MIGRATED = "profile"
_REBUILT = re.compile(r"([\d,]+) events in ([\d.]+) s")
_DIFFERS = "≠"


class Rebuild(NamedTuple):
    per_s: float
    failures: dict[str, int]


class Backlog:
    """The benches of one service over its servers."""

    def __init__(
        self,
        servers: Servers,
        sizes: Sizes,
        figures: Figures,
        noise: machine.Noise,
        *,
        quick: bool,
    ) -> None:
        self._noise = noise
        self._servers = servers
        self._sizes = sizes
        self._figures = figures
        self._events = QUICK_EVENTS if quick else EVENTS

    def run(self, names: Sequence[str]) -> None:
        if "projection" in names or "rebuild" in names:
            with self._noise.during("projection"):
                self._projection("rebuild" in names)
        if "alone" in names:
            with self._noise.during("alone"):
                self._alone()

    def _projection(self, with_rebuild: bool) -> None:
        url = self._servers.log_url
        print(f"appending {self._events:,} events", flush=True)
        asyncio.run(_append(url, self._events))
        floor_url = self._servers.postgres.url(FLOOR_DATABASE)
        applied, floors, rebuilds = [], [], list[Rebuild]()
        for number in range(self._sizes.rounds):
            floor = processes.ask_json("bench.floors.projection", url, floor_url)
            floors.append(floor["events"] / floor["seconds"])
            last = number == self._sizes.rounds - 1
            found, rebuilt = self._work_off(number, rebuild=with_rebuild and last)
            applied.append(found)
            rebuilds += rebuilt
        offered = f"{applied[0].events:,} of {self._events:,} waiting events, profile alone"
        self._figures["projection.events_per_s"] = figure(
            "projection.events_per_s",
            [each.events / each.seconds for each in applied],
            floor=floors,
            offered=offered,
        )
        self._figures["projection.floor"] = figure(
            "projection.floor",
            floors,
            unit="events/s",
            offered="the same log: read, JSON decoded, one COPY a batch",
        )
        if rebuilds:
            self._figures["rebuild.events_per_s"] = figure(
                "rebuild.events_per_s",
                [each.per_s for each in rebuilds],
                floor=floors,
                failures=[each.failures for each in rebuilds],
                offered="perennial rebuild profile customer_state over the same log, profile up",
            )

    def _work_off(self, number: int, *, rebuild: bool) -> tuple[settling.Applied, list[Rebuild]]:
        """Start profile on an empty database and watch it; then rebuild what it built."""
        servers, database = self._servers, f"profile_{number}"
        servers.postgres.create_database(database, template=_MIGRATED)
        url, rebuilds = servers.postgres.url(database), list[Rebuild]()
        with servers.service("profile", database) as process:
            found = settling.watch(servers.log_url, url, "profile", SETTLE_SECONDS)
            if rebuild:
                processes.wait_until_ready(servers.port, process, servers.output("profile"))
                settling.wait_until_settled(servers.log_url, {"profile": url}, SETTLE_SECONDS)
                rebuilds = [self._rebuild(database) for _ in range(self._sizes.rounds)]
        servers.postgres.drop_database(database)
        return found, rebuilds

    def _rebuild(self, database: str) -> Rebuild:
        """One rebuild by the command that an operator gives; a differing checksum is a failure."""
        code, printed = processes.ask(
            "perennial_cli",
            "rebuild",
            "profile",
            "customer_state",
            environment=self._servers.environment("profile", database),
        )
        found = _REBUILT.search(printed)
        if code != 0 or found is None:
            return Rebuild(0.0, {f"exit code {code}": 1})
        events, seconds = int(found[1].replace(",", "")), float(found[2])
        return Rebuild(events / seconds, {"checksum differs": 1} if _DIFFERS in printed else {})

    def _alone(self) -> None:
        """Ingest with nobody following: what engagement's door costs by itself."""
        servers = self._servers
        floor_port = servers.port + 1
        settings = {"PERENNIAL_ADMIN_KEY_SHA256": key_hash(_KEY)}
        floor_url = servers.postgres.url(FLOOR_DATABASE)
        with (
            servers.service("engagement", "engagement", **settings) as process,
            processes.running(DOORS, floor_port, floor_url, folder=servers.home),
            Load({"engagement": servers.port}, _KEY) as load,
        ):
            processes.wait_until_ready(servers.port, process, servers.output("engagement"))
            for name, scenario, requests, clients in (
                ("ingest.alone.batch.events_per_s", "batch", self._sizes.batches, 8),
                ("ingest.alone.single.requests_per_s", "single", self._sizes.singles, 64),
            ):
                self._ingest(load, name, scenario, requests, clients, floor_port)

    def _ingest(
        self, load: Load, name: str, scenario: str, requests: int, clients: int, floor: int
    ) -> None:
        within, rounds, floors = self._sizes.within, [], []
        load.run(scenario, requests=requests // 10, clients=clients, within=within)
        for _ in range(self._sizes.rounds):
            rounds.append(load.run(scenario, requests=requests, clients=clients, within=within))
            ports = {"engagement": floor}
            floors.append(
                load.run(scenario, requests=requests, clients=clients, within=within, ports=ports)
            )
        self._figures[name] = figure(
            name,
            [each.per_s for each in rounds],
            unit=name.rpartition(".")[2].removesuffix("_per_s") + "/s",
            floor=[each.per_s for each in floors],
            failures=[each.failures for each in (*rounds, *floors)],
            offered=f"{rounds[0].load}; only engagement runs",
        )


async def _append(url: str, count: int) -> None:
    log = open_log(url)
    try:
        events = waiting_events(count)
        for start in range(0, len(events), _APPENDED_AT_ONCE):
            await log.append(events[start : start + _APPENDED_AT_ONCE])
    finally:
        await log.close()
