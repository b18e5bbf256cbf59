"""The running platform for tests across services, and the count of what ran on which log."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from perennial_events.testing import on_kafka
from tests.e2e.platform import RunningPlatform, without_requests
from tests.e2e.shop import Shop

# A platform is started once for each log: the tests that share it share one of pytest-xdist's workers.
ON_PLATFORMS = (
    pytest.param("postgres", marks=pytest.mark.xdist_group("platform")),
    pytest.param("kafka", marks=on_kafka),
)
LOGS = {"postgres": "the PostgreSQL log", "kafka": "Kafka"}
_SHOWN_CHARACTERS = 12_000


def _need_kafka(require: bool) -> None:
    """Have Kafka's jars, or skip (fail, where a real Kafka is required)."""
    fetched = subprocess.run(
        [sys.executable, "-m", "perennial_embedded"], capture_output=True, text=True, check=False
    )
    if fetched.returncode == 0:
        return
    if require:
        pytest.fail(f"no Apache Kafka: {fetched.stderr}", pytrace=False)
    pytest.skip(f"no Apache Kafka: {fetched.stderr}")


@pytest.fixture(scope="session", params=ON_PLATFORMS)
def platform(request: pytest.FixtureRequest) -> Iterator[RunningPlatform]:
    """The five services under their supervisor, on each log in turn."""
    if request.param == "kafka":
        _need_kafka(os.environ.get("PERENNIAL_REQUIRE_KAFKA") == "1")
    with started(request.param) as running:
        yield running


@contextmanager
def started(log: str) -> Iterator[RunningPlatform]:
    """A platform that ends with the block."""
    # Not among pytest's own folders: each run of pytest closes their root to other users, and so to the
    # PostgreSQL of a run beside it.
    with TemporaryDirectory(prefix="perennial-") as folder:
        running = RunningPlatform(Path(folder) / "home", log)
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture
async def shop(platform: RunningPlatform) -> AsyncIterator[Shop]:
    """A client of the platform that holds the administrator's key."""
    async with Shop(platform.urls, platform.key) as client:
        yield client


# What a failing test's platform said


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None]:
    yield
    running = getattr(item, "funcargs", {}).get("platform")
    if isinstance(running, RunningPlatform):
        item.stash[_SAID] = running.said_until_now()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any]:
    outcome = yield
    report = outcome.get_result()
    running = getattr(item, "funcargs", {}).get("platform")
    if report.failed and isinstance(running, RunningPlatform):
        said = without_requests(running.said(item.stash.get(_SAID, 0)))
        report.sections.append(("the platform said", said[-_SHOWN_CHARACTERS:]))


_SAID = pytest.StashKey[int]()

# How many tests ran on which log


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """Note each test's log on the test: its report carries that from a worker to the one who sums up.

    pytest calls this for the items of the whole run, wherever they stand.
    """
    for item in items:
        if log := _log_of(item):
            item.user_properties.append(("event log", log))


def _log_of(item: pytest.Item) -> str | None:
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    if item.get_closest_marker("kafka") is not None or "kafka" in parameters:
        return "kafka"
    fixtures = getattr(item, "fixturenames", ())
    on_postgres = "postgres" in parameters or not {"log_url", "platform_log"}.isdisjoint(fixtures)
    return "postgres" if on_postgres else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests ran on which log, and how many of them were skipped."""
    ran, skipped = Counter[str](), Counter[str]()
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            log = dict(getattr(report, "user_properties", ())).get("event log")
            if log is None:
                continue
            if outcome in {"passed", "failed"} and report.when == "call":
                ran[log] += 1
            elif outcome == "skipped":
                skipped[log] += 1
    if ran or skipped:
        counts = ", ".join(f"on {name}: {ran[log]}" for log, name in LOGS.items())
        left_out = "".join(
            f" ({skipped[log]} on {name} skipped)" for log, name in LOGS.items() if skipped[log]
        )
        terminalreporter.write_line(f"tests that ran {counts}{left_out}")
