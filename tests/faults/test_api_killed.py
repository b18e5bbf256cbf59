"""An API is killed between commit and answer: the client's retry finds the order that it made."""

import asyncio
import signal
import socket
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from perennial_cli.migrations.upgrade import upgrade
from perennial_events import Database, open_log
from perennial_events.catalogue import PARTITIONS, TOPICS, OrderPlaced
from perennial_events.log import prepare_log
from perennial_events.testing import MakeDatabase
from perennial_http.testing import ADMIN_KEY, ADMIN_KEY_SHA256, until
from tests.e2e.shop import order_of
from tests.faults.checker import read_history
from tests.faults.conftest import Ends, Start

PROGRAM = "tests/faults/processes/orders_cut.py"


@pytest.mark.parametrize(("moment", "is_kept"), [("before_commit", False), ("before_answer", True)])
async def test_a_retry_after_a_kill_makes_one_order(
    make_database: MakeDatabase,
    log_url: str,
    start_python: Start,
    ends: Ends,
    moment: str,
    is_kept: bool,
) -> None:
    url = await make_database(())
    await asyncio.to_thread(upgrade, {"orders": url}, "")
    await prepare_log(log_url, TOPICS, PARTITIONS)
    database, log = Database(url, source="/perennial/test"), open_log(log_url)
    port = _free_port()
    environment = {
        "PERENNIAL_SERVICE": "orders",
        "PERENNIAL_DATABASE_URL": url,
        "PERENNIAL_LOG": log_url,
        "PERENNIAL_PORT": str(port),
        "PERENNIAL_ADMIN_KEY_SHA256": ADMIN_KEY_SHA256,
    }
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Idempotency-Key": str(uuid4())}
    body = order_of("c-1", ("mug", 1, 1000))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/health/ready")).status_code == 200
            except httpx.TransportError:
                return False

        cut = start_python(PROGRAM, moment, environment=environment)
        await until(ready, within=30)
        with pytest.raises(httpx.TransportError):
            await client.post("/v1/orders", json=body)
        assert await ends(cut) == -signal.SIGKILL
        assert await _orders(database) == int(is_kept)

        start_python(PROGRAM, "never", environment=environment)
        await until(ready, within=30)
        answer = await client.post("/v1/orders", json=body)
        again = await client.post("/v1/orders", json=body)

    assert answer.status_code == 201
    assert ("idempotent-replayed" in answer.headers) == is_kept
    assert again.content == answer.content
    assert again.headers["idempotent-replayed"] == "true"
    assert await _orders(database) == 1

    async def published() -> bool:
        history = await read_history(log)
        return [e.type for e in history.first.values()] == [OrderPlaced.type]

    await until(published)
    await log.close()
    await database.close()


async def _orders(database: Database) -> int:
    async with database.reading() as session:
        return int(await session.scalar(text("SELECT count(*) FROM orders")) or 0)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
