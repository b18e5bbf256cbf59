"""The order of things: servers, schema, services; and back again when asked to stop."""

import asyncio
import os
import signal
import time
from pathlib import Path

from perennial_cli.services import DATABASES, LOG_DATABASE, SERVICES
from perennial_cli.supervisor import ports, servers
from perennial_cli.supervisor.child import Child, how_it_ended
from perennial_cli.supervisor.failures import StartRefused
from perennial_cli.supervisor.forks import ForkServer
from perennial_cli.supervisor.home import Home, key_hash
from perennial_cli.supervisor.output import Output
from perennial_cli.supervisor.programs import Programs
from perennial_embedded import KafkaUnavailable, PostgresFailed, PostgresInUse

# Of the 10 s that a stop may take: the services' share for draining, and where the whole must be done.
_DRAIN_SECONDS = 6.0
_STOP_SECONDS = 9.0
_READY_POLL_SECONDS = 0.05


class Supervisor:
    """Runs the platform of one home folder until it is told to stop."""

    def __init__(self, home: Path, *, port_base: int, log: str, programs: Programs) -> None:
        self._home = Home(home)
        self._output = Output(self._home.logs)
        self._log = log
        self._programs = programs
        self._ports = {name: port_base + 1 + place for place, name in enumerate(SERVICES)}
        self._postgres = servers.postgres(self._home)
        self._kafka = servers.kafka(self._home) if log == "kafka" else None
        # PG* variables of the shell would mislead the programs' driver.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        # Lines reach the terminal when they are written, not when a buffer is full.
        self._fork_server = ForkServer(programs.shared(log), inherited | {"PYTHONUNBUFFERED": "1"})
        self._children: list[Child] = []
        self._stop_asked = asyncio.Event()
        self._hurry_asked = asyncio.Event()

    async def run(self) -> int:
        """Start everything, keep it running, stop it when asked; answers the exit code."""
        began = time.monotonic()
        self._home.hold()
        try:
            ports.refuse_taken(self._ports)
            self._listen_to_signals()
            code = await self._until_stopped(began)
            await self._stop()
        finally:
            self._home.release()
        return code

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stop_asked.is_set():
            self._hurry_asked.set()
        self._stop_asked.set()

    async def _until_stopped(self, began: float) -> int:
        """Run until a signal asks to stop (0), or the start fails (1)."""
        asked = asyncio.create_task(self._stop_asked.wait())
        platform = asyncio.create_task(self._platform(began))
        await asyncio.wait([asked, platform], return_when=asyncio.FIRST_COMPLETED)
        for child in self._children:
            # Before the tasks end, so that a service that now ends is not taken for one that died.
            child.stop()
        asked.cancel()
        if not platform.done():
            return 0
        failure = platform.exception()
        if isinstance(failure, PostgresFailed | PostgresInUse | KafkaUnavailable | StartRefused):
            self._output.say(str(failure))
            return 1
        await platform
        return 1

    async def _platform(self, began: float) -> None:
        """Start all; then watch all. Ends only by an error."""
        self._introduce()
        await self._start_servers()
        environment = self._environment()
        self._home.write_addresses(
            {"PERENNIAL_LOG": environment["PERENNIAL_LOG"], **self._database_urls()}
        )
        await self._migrate(environment)
        self._children = [
            self._child(name, self._programs.service(name), self._own(environment, name))
            for name in SERVICES
        ]
        async with asyncio.TaskGroup() as tasks:
            for child in self._children:
                tasks.create_task(child.keep_running())
            for name, server in self._servers():
                tasks.create_task(servers.keep_running(name, server, self._home, self._output))
            tasks.create_task(self._announce_ready(began))

    def _introduce(self) -> None:
        key, is_new = self._home.admin_key()
        self._key_hash = key_hash(key)
        said = "made now" if is_new else f"kept in {self._home.folder / 'admin.key'}"
        self._output.say(f"data in {self._home.folder}, event log: {self._log}")
        # The terminal alone: the key does not go into a log file.
        self._output.secret(f"admin key ({said}): {key}")

    async def _start_servers(self) -> None:
        if self._kafka is not None:
            # A process of its own, because a first download is long and must end when we are stopped.
            await self._run_to_end("kafka", self._programs.fetch_kafka(), {})
        self._fork_server.launch()  # it loads what it has to while the servers start
        async with asyncio.TaskGroup() as tasks:
            for name, server in self._servers():
                tasks.create_task(servers.start(name, server, self._home))
        await asyncio.to_thread(self._postgres.ensure_databases, DATABASES)

    def _servers(self) -> list[tuple[str, servers.Server]]:
        running: list[tuple[str, servers.Server]] = [("postgres", self._postgres)]
        if self._kafka is not None:
            running.append(("kafka", self._kafka))
        return running

    def _environment(self) -> dict[str, str]:
        """What every program of the platform is told."""
        kafka = self._kafka
        log = self._postgres.url(LOG_DATABASE) if kafka is None else f"kafka://{kafka.bootstrap}"
        environment = {
            "PERENNIAL_HOME": str(self._home.folder),
            "PERENNIAL_HOST": ports.HOST,
            "PERENNIAL_LOG": log,
            "PERENNIAL_ADMIN_KEY_SHA256": self._key_hash,
            "PERENNIAL_SECRET_KEY": os.environ.get("PERENNIAL_SECRET_KEY")
            or self._home.secret_key(),
        }
        for name, port in self._ports.items():
            environment[f"PERENNIAL_{name.upper()}_URL"] = f"http://{ports.HOST}:{port}"
        return environment

    def _own(self, environment: dict[str, str], name: str) -> dict[str, str]:
        return environment | {
            "PERENNIAL_SERVICE": name,
            "PERENNIAL_PORT": str(self._ports[name]),
            "PERENNIAL_DATABASE_URL": self._postgres.url(name),
        }

    async def _migrate(self, environment: dict[str, str]) -> None:
        urls = self._database_urls()
        await self._run_to_end("migrate", self._programs.migrate(), environment | urls)

    def _database_urls(self) -> dict[str, str]:
        return {
            f"PERENNIAL_{name.upper()}_DATABASE_URL": self._postgres.url(name) for name in SERVICES
        }

    def _child(self, name: str, arguments: list[str], variables: dict[str, str]) -> Child:
        return Child(
            name,
            arguments,
            variables,
            fork_server=self._fork_server,
            home=self._home,
            output=self._output,
        )

    async def _run_to_end(self, name: str, arguments: list[str], variables: dict[str, str]) -> None:
        """Run a step of the start; it failing is the start failing."""
        step = self._child(name, arguments, variables)
        self._children = [step]
        code = await step.run_once()
        if code != 0:
            raise StartRefused(f"The step '{name}' {how_it_ended(code)}; its lines above say why.")

    async def _announce_ready(self, began: float) -> None:
        waiting = dict(self._ports)
        while waiting:
            for name, port in list(waiting.items()):
                if await ports.is_ready(port):
                    del waiting[name]
            await asyncio.sleep(_READY_POLL_SECONDS)
        self._output.say(f"ready after {time.monotonic() - began:.1f} s (Ctrl-C stops everything)")
        for name, port in self._ports.items():
            self._output.say(f"  {name:<10} http://{ports.HOST}:{port}")

    # Stopping

    async def _stop(self) -> None:
        """Services first (they drain), then the servers they write to; in less than 10 s."""
        began = time.monotonic()
        self._output.say("stopping: services drain, then the database (Ctrl-C again hurries)")
        if not await self._drained():
            for child in self._children:
                if child.is_running:
                    self._output.say(f"{child.name} did not end in time and is killed")
                child.stop(signal.SIGKILL)
            await self._ended()
        await self._fork_server.close()
        left = 0.0 if self._hurry_asked.is_set() else _STOP_SECONDS - (time.monotonic() - began)
        await self._stop_tasks()
        await servers.stop(self._servers(), self._home, left)
        self._output.say(f"stopped after {time.monotonic() - began:.1f} s")

    async def _drained(self) -> bool:
        """Wait for the services to end; False when their time is over, or somebody is in a hurry."""
        drained = asyncio.create_task(self._ended())
        hurry = asyncio.create_task(self._hurry_asked.wait())
        await asyncio.wait(
            [drained, hurry], timeout=_DRAIN_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        hurry.cancel()
        ended = drained.done()
        drained.cancel()
        return ended

    async def _ended(self) -> None:
        while any(child.is_running for child in self._children):  # noqa: ASYNC110  (five processes' ends)
            await asyncio.sleep(_READY_POLL_SECONDS)

    async def _stop_tasks(self) -> None:
        """End the watching before what is watched is stopped."""
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
