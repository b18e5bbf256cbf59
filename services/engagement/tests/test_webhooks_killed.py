"""The deliverer is killed at random moments over thousands of deliveries: none is forgotten."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import Popen

import pytest
from sqlalchemy import text

from engagement_service.app import create
from engagement_service.testing import Arrived, Partner, settings_for
from perennial_embedded.process import spawn, stop_in_steps
from perennial_events import Database, Log
from perennial_events.catalogue import OrderCompleted
from perennial_events.testing import publish
from perennial_http.testing import served, until

ENDPOINTS = 10


def environment_of(database_url: str, log_url: str) -> dict[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = settings_for(database_url, log_url)
    return {
        **os.environ,
        "PERENNIAL_SERVICE": "engagement",
        "PERENNIAL_DATABASE_URL": database_url,
        "PERENNIAL_LOG": log_url,
        "PERENNIAL_PORT": str(port),
        "PERENNIAL_SECRET_KEY": settings.secret_key or "",
        "PERENNIAL_WEBHOOKS_ALLOW_LOOPBACK": "1",
        "PERENNIAL_WEBHOOKS_RETRY": "0.2,0.2,0.2,1,1",
    }


def partly(partner: Partner, count: int) -> Callable[[], Awaitable[bool]]:
    async def arrived() -> bool:
        return len(partner.arrived) >= count

    return arrived


@asynccontextmanager
async def killed_often(
    environment: dict[str, str], folder: Path, partner: Partner, *, kills: int, between: int
) -> AsyncIterator[None]:
    """The service as a process, killed at random moments of its work, `between` deliveries apart at
    most, and started again; then left to finish."""
    chance = random.Random(7)

    def start() -> "Popen[bytes]":
        return spawn(
            [sys.executable, "-m", "engagement_service"],
            death_signal=signal.SIGKILL,
            log_file=folder / "engagement.log",
            environment=environment,
        )

    process = start()
    try:
        for _ in range(kills):
            enough = len(partner.arrived) + chance.randrange(50, between)
            await until(partly(partner, enough), within=60)
            process.kill()
            await asyncio.to_thread(process.wait)
            process = start()
        yield
    finally:
        stop_in_steps(process, [(signal.SIGTERM, 10.0)])


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("count", "kills", "between"),
    [(250, 4, 500), pytest.param(1_000, 8, 1_000, marks=pytest.mark.long)],
)
async def test_every_event_arrives_at_least_once(
    count: int,
    kills: int,
    between: int,
    database_url: str,
    log_url: str,
    platform_log: Log,
    partner: Partner,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def moody(seen: Arrived) -> tuple[int, dict[str, str]]:
        # Some are refused at first, and some answers get lost with the process that waits for them.
        await asyncio.sleep(0.002)
        return (503 if len(partner.arrived) % 97 == 0 else 200), {}

    partner.answer = moody
    api = settings_for(database_url, log_url).model_copy(update={"role": "api"})
    async with served(create(api)) as client:
        for number in range(ENDPOINTS):
            body = {"url": partner.url(f"/{number}"), "event_types": ["perennial.orders.*"]}
            assert (await client.post("/v1/webhook-endpoints", json=body)).status_code == 201
    events = [OrderCompleted(order_id=f"o-{n}", customer_id=f"c-{n % 50}") for n in range(count)]
    ids = {str(each.id) for each in await publish(platform_log, *events)}

    database = Database(database_url, source="/perennial/tests")

    async def unfinished() -> int:
        async with database.reading() as session:
            found = await session.execute(
                text("SELECT status, count(*) FROM webhook_deliveries GROUP BY status")
            )
            counts: dict[str, int] = {row[0]: row[1] for row in found}
        return ENDPOINTS * count - counts.get("delivered", 0)

    async def all_delivered() -> bool:
        return await unfinished() == 0

    environment = environment_of(database_url, log_url)
    async with killed_often(environment, tmp_path, partner, kills=kills, between=between):
        during = len(partner.arrived)
        await until(all_delivered, within=200)
    await database.close()

    arrived = Counter((each.path, each.id) for each in partner.arrived)
    assert set(arrived) == {(f"/{number}", id) for number in range(ENDPOINTS) for id in ids}
    assert during > kills * 50, "too little was under way when the service was killed"
    with capsys.disabled():
        twice = arrived.total() - len(arrived)
        print(f"\n{during} arrived between the kills, {twice} more than once", end="")  # noqa: T201 - said
