"""A platform of stand-ins, started as a process of its own, and how a test watches it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).with_name("platform_of_stand_ins.py")


class Platform:
    """One run of the supervisor, its terminal written to a file."""

    def __init__(self, home: Path, port_base: int, *behaviours: str) -> None:
        self.home = home
        self.port_base = port_base
        self.terminal = home.with_name(f"{home.name}-{time.monotonic_ns()}.txt")
        with self.terminal.open("wb") as terminal:
            self.process = subprocess.Popen(
                [sys.executable, str(_PROGRAM), str(home), str(port_base), *behaviours],
                stdout=terminal,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def output(self) -> str:
        return self.terminal.read_text()

    def wait_for(self, pattern: str, seconds: float = 20.0) -> re.Match[str]:
        """Wait until the terminal shows `pattern`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := re.search(pattern, self.output()):
                return found
            time.sleep(0.02)
        raise AssertionError(f"no {pattern!r} in:\n{self.output()}")

    def pid(self, name: str) -> int:
        return int((self.home / "run" / f"{name}.pid").read_text())

    def runs(self, pid: int) -> bool:
        """Whether the process exists and is not merely waiting to be reaped."""
        try:
            status = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return status.rsplit(")", 1)[1].split()[0] != "Z"

    def parent(self, pid: int) -> int:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])

    def wait_until_gone(self, pid: int, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while self.runs(pid):
            assert time.monotonic() < deadline, f"process {pid} still runs:\n{self.output()}"
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send the signal; answers the exit code and the seconds that the end took."""
        began = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(20), time.monotonic() - began


def _free_port_base() -> int:
    """A base whose five ports are free now; below the range from which the system hands out its own."""
    for base in range(20_000 + os.getpid() % 1_000 * 10, 32_000, 10):
        if all(_is_free(base + place) for place in range(1, 6)):
            return base
    raise AssertionError("no five free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.fixture
def port_base() -> int:
    return _free_port_base()


@pytest.fixture
def start(tmp_path: Path, port_base: int) -> Iterator[Callable[..., Platform]]:
    """Start platforms on one home; whatever still runs after the test is stopped."""
    started: list[Platform] = []

    def start_one(*behaviours: str) -> Platform:
        started.append(Platform(tmp_path / "home", port_base, *behaviours))
        return started[-1]

    yield start_one
    for platform in started:
        try:
            platform.stop()
        except subprocess.TimeoutExpired:
            platform.process.kill()
            platform.process.wait()
            raise
