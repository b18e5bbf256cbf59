"""What is measured: the whole platform as `perennial up` runs it, or one service over its servers."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from bench import machine, processes, settling
from bench.processes import ProgramFailed
from perennial_cli.services import DATABASES, LOG_DATABASE, SERVICES
from perennial_embedded import EmbeddedKafka, EmbeddedPostgres

SETTLE_SECONDS = 240.0
_REST_SECONDS = 5.0
FLOOR_DATABASE = "bench"


class Platform:
    """The whole platform in a home of its own: five services, PostgreSQL, and Kafka where it is the log."""

    def __init__(self, home: Path, log: str) -> None:
        self.home = home
        self.log = log
        base = processes.free_port_base()
        self.ports = {name: base + place for place, name in enumerate(SERVICES, start=1)}
        self.floor_port = base + len(SERVICES) + 1
        self._base = base
        self._output = home / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start it, and answer with the seconds until all five services were ready."""
        began = time.monotonic()
        self._process = processes.start(
            "perennial_cli",
            "up",
            "--log",
            self.log,
            log_file=self._output,
            environment={
                "PERENNIAL_HOME": str(self.home),
                "PERENNIAL_PORT_BASE": str(self._base),
            },
        )
        for port in self.ports.values():
            processes.wait_until_ready(port, self._process, self._output)
        return time.monotonic() - began

    def stop(self) -> None:
        if self._process is not None:
            processes.stop(self._process)
            self._process = None

    @property
    def key(self) -> str:
        return (self.home / "admin.key").read_text().strip()

    @property
    def log_url(self) -> str:
        return self._addresses["PERENNIAL_LOG"]

    @property
    def databases(self) -> dict[str, str]:
        return {
            name: self._addresses[f"PERENNIAL_{name.upper()}_DATABASE_URL"] for name in SERVICES
        }

    @property
    def _addresses(self) -> dict[str, str]:
        addresses: dict[str, str] = json.loads((self.home / "run" / "addresses.json").read_text())
        return addresses

    def postgres(self) -> EmbeddedPostgres:
        """The platform's own server, to make databases in."""
        postgres = EmbeddedPostgres(self.home / "postgres")
        postgres.attach()
        return postgres

    def settle(self) -> float:
        """Wait until every service has followed; the seconds it took."""
        return settling.wait_until_settled(self.log_url, self.databases, SETTLE_SECONDS)

    def appended(self, topic: str) -> int:
        return settling.appended(self.log_url, topic)

    def postgres_alone(self) -> float:
        """Start and stop the stopped platform's PostgreSQL by itself; the seconds that the start took."""
        postgres = EmbeddedPostgres(self.home / "postgres", log_file=self.home / "alone.log")
        began = time.monotonic()
        with postgres:
            return time.monotonic() - began

    def memory_mb(self) -> tuple[float, float, float]:
        """At rest: of everything but the broker, of PostgreSQL's part of that, and of the broker."""
        time.sleep(_REST_SECONDS)
        if self._process is None:
            raise ProgramFailed("the platform does not run")
        everything = machine.family(self._process.pid)
        postgres = machine.family(self._pid("postgres"))
        kafka = machine.family(self._pid("kafka")) if self.log == "kafka" else []
        ours = [pid for pid in everything if pid not in kafka]
        return machine.memory_mb(ours), machine.memory_mb(postgres), machine.memory_mb(kafka)

    def processor_seconds(self) -> dict[str, float]:
        """What each part has used of the processor so far."""
        servers = ("postgres", "kafka") if self.log == "kafka" else ("postgres",)
        return {
            name: machine.processor_seconds(machine.family(self._pid(name)))
            for name in (*SERVICES, *servers)
        }

    def _pid(self, name: str) -> int:
        return int((self.home / "run" / f"{name}.pid").read_text())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class Servers:
    """PostgreSQL with migrated databases, and a log: what a single service needs. A context manager."""

    def __init__(self, home: Path, log: str) -> None:
        self.home = home
        self.port = processes.free_port_base() + 1
        self.postgres = EmbeddedPostgres(home / "postgres")
        # As the supervisor runs it: without replicas, an fsync a batch is what makes it durable.
        self.kafka = (
            EmbeddedKafka(home / "kafka", flush_each_batch=True) if log == "kafka" else None
        )
        self._stack = ExitStack()

    @property
    def log_url(self) -> str:
        if self.kafka is not None:
            return f"kafka://{self.kafka.bootstrap}"
        return self.postgres.url(LOG_DATABASE)

    def __enter__(self) -> Self:
        with self._stack as stack:
            if self.kafka is not None:
                stack.enter_context(self.kafka)
            stack.enter_context(self.postgres)
            self.postgres.ensure_databases([*DATABASES, FLOOR_DATABASE])
            urls = {
                f"PERENNIAL_{name.upper()}_DATABASE_URL": self.postgres.url(name)
                for name in SERVICES
            }
            code, printed = processes.ask(
                "perennial_cli", "migrate", environment={**urls, "PERENNIAL_LOG": self.log_url}
            )
            if code != 0:
                raise ProgramFailed(f"the databases could not be migrated: {printed}")
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def environment(self, service: str, database: str) -> Mapping[str, str]:
        """What `service` is told when it runs on `database`."""
        return {
            "PERENNIAL_SERVICE": service,
            "PERENNIAL_HOME": str(self.home),
            "PERENNIAL_PORT": str(self.port),
            "PERENNIAL_LOG": self.log_url,
            "PERENNIAL_DATABASE_URL": self.postgres.url(database),
            f"PERENNIAL_{service.upper()}_DATABASE_URL": self.postgres.url(database),
        }

    @contextmanager
    def service(
        self, service: str, database: str, **settings: str
    ) -> Iterator["subprocess.Popen[bytes]"]:
        """The service's process as in production, alone; given before it is ready."""
        process = processes.start(
            f"{service}_service",
            log_file=self.output(service),
            environment={**self.environment(service, database), **settings},
        )
        try:
            yield process
        finally:
            processes.stop(process)

    def output(self, service: str) -> Path:
        return self.home / f"{service}.log"
