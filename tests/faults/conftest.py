"""A log with every topic, a ledger, and processes that do not outlive their test."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from subprocess import Popen
from uuid import uuid4

import pytest

from perennial_embedded.process import spawn, stop_in_steps
from perennial_events import Database
from perennial_events.catalogue import PARTITIONS, TOPICS
from perennial_events.log import prepare_log
from perennial_events.testing import MakeDatabase
from tests.faults import ledger

Start = Callable[..., "Popen[bytes]"]


@pytest.fixture
async def topics(log_address: str) -> str:
    """The address of a log that has every topic, on PostgreSQL and on Kafka in turn."""
    await prepare_log(log_address, TOPICS, PARTITIONS)
    return log_address


@pytest.fixture
def group() -> str:
    """A consumer group of this test's own."""
    return f"ledger-{uuid4().hex}"


@pytest.fixture
def keys() -> list[str]:
    """Customers of this test's own."""
    return [f"k-{uuid4().hex[:12]}" for _ in range(10)]


@pytest.fixture
async def ledger_url(make_database: MakeDatabase) -> str:
    return await make_database(ledger.TABLES)


@pytest.fixture
async def database(ledger_url: str, keys: list[str]) -> AsyncIterator[Database]:
    """The ledger's database; its outbox serves as the writer's, too."""
    database = Database(ledger_url, source="/perennial/test")
    await ledger.expect(database, keys)
    yield database
    await database.close()


@pytest.fixture
def start_python(repository: Path, tmp_path: Path) -> Iterator[Start]:
    """Starts Python programs; whatever still runs after the test is ended by its process."""
    started: list[Popen[bytes]] = []

    def start(*arguments: str, environment: Mapping[str, str] | None = None) -> "Popen[bytes]":
        process = spawn(
            [sys.executable, *arguments],
            death_signal=signal.SIGKILL,
            log_file=tmp_path / "processes.log",
            environment={**os.environ, **(environment or {})},
            cwd=repository,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        stop_in_steps(process, [(signal.SIGTERM, 10.0)])


Ends = Callable[["Popen[bytes]"], Awaitable[int]]


@pytest.fixture
def ends() -> Ends:
    """Waits for a process's end, beside the loop; answers its exit code (negative: a signal)."""

    async def wait(process: "Popen[bytes]") -> int:
        return await asyncio.to_thread(process.wait, 60)

    return wait
