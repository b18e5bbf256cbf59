"""Child processes of the benchmark: started on free ports, tied to it, stopped in time."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from perennial_cli.services import SERVICES
from perennial_embedded.process import spawn, stop_in_steps, tail

HOST = "127.0.0.1"
_LOOK_SECONDS = 0.02
_STOP_SECONDS = 15.0
_READY_SECONDS = 90.0
_PORTS_FROM, _PORTS_TO = 20_000, 30_000
"""Below the range from which the system takes the ports of outgoing connections."""


class ProgramFailed(Exception):
    """A program that is measured ended or did not get ready; its last lines say why."""


def free_port_base() -> int:
    """A base with one free port behind it for each service, and one more."""
    for base in range(_PORTS_FROM, _PORTS_TO, 10):
        if all(_is_free(base + place) for place in range(1, len(SERVICES) + 2)):
            return base
    raise ProgramFailed(f"no free ports from {_PORTS_FROM} to {_PORTS_TO}")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def start(
    module: str, *arguments: str, log_file: Path, environment: Mapping[str, str] | None = None
) -> "subprocess.Popen[bytes]":
    """`python -m module arguments`, which ends when the benchmark does."""
    return spawn(
        [sys.executable, "-m", module, *arguments],
        death_signal=signal.SIGTERM,
        log_file=log_file,
        environment=None if environment is None else {**os.environ, **environment},
    )


def stop(process: "subprocess.Popen[bytes]") -> None:
    stop_in_steps(process, [(signal.SIGTERM, _STOP_SECONDS)])


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
    """Return when something accepts connections on `port`."""
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            with socket.create_connection((HOST, port), timeout=1.0):
                return
        except OSError:
            _check(process, log_file, deadline)
            time.sleep(_LOOK_SECONDS)


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
    """Return when GET /health/ready answers 200."""
    deadline = time.monotonic() + _READY_SECONDS
    with httpx.Client(timeout=2.0) as client:
        while True:
            try:
                if client.get(f"http://{HOST}:{port}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            _check(process, log_file, deadline)
            time.sleep(_LOOK_SECONDS)


def _check(process: "subprocess.Popen[bytes]", log_file: Path, deadline: float) -> None:
    if process.poll() is not None or time.monotonic() > deadline:
        raise ProgramFailed(f"a program did not get ready:\n{tail(log_file)}")


@contextmanager
def running(module: str, port: int, *arguments: str, folder: Path) -> Iterator[int]:
    """A floor that serves on `port`; gives the port."""
    log_file = folder / f"{module}.log"
    process = start(module, str(port), *arguments, log_file=log_file)
    try:
        wait_until_listening(port, process, log_file)
        yield port
    finally:
        stop(process)


def ask(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Run a program to its end; its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        env=None if environment is None else {**os.environ, **environment},
    )
    return done.returncode, done.stdout


def ask_json(module: str, *arguments: str) -> dict[str, Any]:
    """Run a program that prints its findings as one line of JSON."""
    code, printed = ask(module, *arguments)
    if code != 0:
        raise ProgramFailed(f"{module} ended with exit code {code}")
    found: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return found
