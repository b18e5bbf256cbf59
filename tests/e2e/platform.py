"""The real platform, run by `perennial up` as a process of its own, and how a test handles it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from perennial_cli.services import SERVICES
from perennial_embedded.process import is_alive, spawn, stop_in_steps

READY_SECONDS = 90.0
STOP_SECONDS = 20.0
COMMAND_SECONDS = 60.0
_BASES = range(12_000, 19_990, 10)


class RunningPlatform:
    """One `perennial up` on `home`: its services' addresses, its processes, its logs."""

    def __init__(self, home: Path, log: str) -> None:
        self.home = home
        self.log = log
        self.port_base = free_port_base()
        self.terminal = home.with_name(f"{home.name}.terminal")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until all five services are ready."""
        begun = self.terminal.stat().st_size if self.terminal.exists() else 0
        # Tied to this process: a test run that is killed leaves no platform behind.
        self._process = spawn(
            [sys.executable, "-m", "perennial_cli", "up", "--log", self._log_option],
            death_signal=signal.SIGTERM,
            log_file=self.terminal,
            environment=self.environment,
        )
        wait_until(
            lambda: "ready after" in self.said(begun) or self._process_ended(),
            READY_SECONDS,
            lambda: self.said(begun)[-4_000:],
        )
        assert not self._process_ended(), self.said(begun)[-4_000:]

    def stop(self) -> None:
        """Ctrl-C; whatever does not end in time is killed."""
        if self._process is not None:
            stop_in_steps(self._process, [(signal.SIGTERM, STOP_SECONDS)])
            self._process = None

    @property
    def environment(self) -> dict[str, str]:
        """What the `perennial` command is told to find this platform."""
        home = {"PERENNIAL_HOME": str(self.home), "PERENNIAL_PORT_BASE": str(self.port_base)}
        return {**os.environ, **home, "COLUMNS": "200", "NO_COLOR": "1"}

    @property
    def urls(self) -> dict[str, str]:
        """The address of each service."""
        ports = enumerate(SERVICES, self.port_base + 1)
        return {name: f"http://127.0.0.1:{port}" for port, name in ports}

    @property
    def key(self) -> str:
        """The administrator's key."""
        return (self.home / "admin.key").read_text().strip()

    @property
    def addresses(self) -> Mapping[str, str]:
        """The databases by their service's name, and the event log's address as `log`."""
        told = json.loads((self.home / "run" / "addresses.json").read_text())
        databases = {name: told[f"PERENNIAL_{name.upper()}_DATABASE_URL"] for name in SERVICES}
        return {**databases, "log": told["PERENNIAL_LOG"]}

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `perennial …` to its end, as an operator would."""
        return subprocess.run(
            [sys.executable, "-m", "perennial_cli", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    # Processes

    def pid(self, name: str) -> int:
        """The process id of a service, `postgres`, `kafka` or `supervisor`."""
        return int((self.home / "run" / f"{name}.pid").read_text())

    def kill(self, name: str) -> int:
        """SIGKILL one of the platform's processes; answers the id that it had."""
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_back(self, name: str, killed: int, within: float = 60.0) -> None:
        """Wait until the supervisor has replaced a killed process, and every service is ready again."""

        def replaced() -> bool:
            try:
                return self.pid(name) != killed and is_alive(self.pid(name))
            except (FileNotFoundError, ValueError):
                return False

        wait_until(replaced, within, lambda: f"{name} did not come back:\n{self.said()[-4_000:]}")
        self.wait_ready(within)

    def wait_ready(self, within: float = 60.0) -> None:
        wait_until(lambda: not self.unready(), within, lambda: f"not ready: {self.unready()}")

    def unready(self) -> list[str]:
        """The services that do not say that they are ready."""
        return [name for name, url in self.urls.items() if not _says_ready(url)]

    # Logs

    def said(self, since: int = 0) -> str:
        """What the platform wrote to its terminal, from a position on."""
        if not self.terminal.exists():
            return ""
        return self.terminal.read_bytes()[since:].decode(errors="replace")

    def said_until_now(self) -> int:
        """The position of what is written next."""
        return self.terminal.stat().st_size if self.terminal.exists() else 0

    @property
    def _log_option(self) -> str:
        return "kafka" if self.log == "kafka" else "embedded"

    def _process_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None


def _says_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def wait_until(
    holds: Callable[[], bool], within: float, otherwise: Callable[[], str] = lambda: ""
) -> None:
    """Wait for something that happens in another process; fails with what `otherwise` says."""
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {otherwise()}"
        time.sleep(0.05)


def free_port_base() -> int:
    """A base whose five ports are free; test processes begin to look at different places."""
    start = os.getpid() % len(_BASES)
    for base in (*_BASES[start:], *_BASES[:start]):
        if all(_is_free(base + place) for place in range(1, len(SERVICES) + 1)):
            return int(base)
    raise AssertionError("no five free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def without_requests(log: str) -> str:
    """A log without the lines of single requests, which hide what matters."""
    return "\n".join(line for line in log.splitlines() if not re.search(r"\] request\s", line))
