"""Perennial-After: a read waits for the event that it must include."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from perennial_events import Database
from perennial_http.after import BUSY_POLL_SECONDS, wait_for_event
from perennial_http.problems import Unavailable


async def apply(database: Database, event_id: UUID) -> None:
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO inbox (event_id) VALUES (:id)"), {"id": event_id})


async def park(database: Database, event_id: UUID) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO parked_events
                    (topic, partition, "offset", event_id, type, source, subject, time, key, imported, data)
                VALUES ('t', 0, 0, :id, 't', 's', 's', now(), 'k', false, '{}')
            """),
            {"id": event_id},
        )


def after(event_id: object) -> dict[str, str]:
    return {"Perennial-After": str(event_id)}


async def test_an_applied_event_is_not_waited_for(
    client: httpx.AsyncClient, database: Database
) -> None:
    event_id = uuid4()
    await apply(database, event_id)
    assert (await client.get("/v1/derived", headers=after(event_id))).status_code == 200
    assert (await client.get("/v1/derived")).status_code == 200


@pytest.mark.parametrize("signalled", [True, False])
async def test_a_read_waits_until_the_event_is_applied(
    client: httpx.AsyncClient, database: Database, signalled: bool
) -> None:
    event_id = uuid4()
    reading = asyncio.create_task(client.get("/v1/derived", headers=after(event_id)))
    await asyncio.sleep(0.3)
    assert not reading.done()
    await apply(database, event_id)
    if signalled:
        database.announce_applied([event_id])
    started = time.monotonic()
    assert (await reading).status_code == 200
    assert time.monotonic() - started < 0.5


async def test_an_event_that_does_not_come(client: httpx.AsyncClient) -> None:
    started = time.monotonic()
    answer = await client.get("/v1/derived", headers=after(uuid4()))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert 1.9 < time.monotonic() - started < 3


class BusyDatabase:
    """One in which batch after batch is applied, and never the event that somebody waits for."""

    def __init__(self) -> None:
        self.looks = 0

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Any]:
        self.looks += 1
        yield self

    async def fetchrow(self, *_asked: object) -> tuple[bool, bool]:
        return False, False

    def next_applied(self) -> "asyncio.Future[frozenset[UUID]]":
        loop = asyncio.get_running_loop()
        announced: asyncio.Future[frozenset[UUID]] = loop.create_future()
        loop.call_later(0.001, announced.set_result, frozenset([uuid4()]))
        return announced


async def test_who_hears_of_batches_looks_seldom() -> None:
    database, within = BusyDatabase(), 0.5
    with pytest.raises(Unavailable):
        await wait_for_event(database, uuid4(), within=within)
    assert database.looks <= within / BUSY_POLL_SECONDS + 2


async def test_waiting_reads_hold_no_connection(client: httpx.AsyncClient) -> None:
    waiting = [
        asyncio.create_task(client.get("/v1/derived", headers=after(uuid4()))) for _ in range(40)
    ]
    await asyncio.sleep(0.2)
    assert (await client.get("/v1/derived")).status_code == 200
    assert {(await task).status_code for task in waiting} == {503}


async def test_a_parked_event_is_not_waited_for(
    client: httpx.AsyncClient, database: Database
) -> None:
    event_id = uuid4()
    await apply(database, event_id)
    await park(database, event_id)
    answer = await client.get("/v1/derived", headers=after(event_id))
    assert answer.status_code == 503
    assert "set aside" in answer.json()["detail"]


@pytest.mark.parametrize("value", ["x", "", "0" * 31, "0" * 100])
async def test_what_is_no_event_id(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.get("/v1/derived", headers=after(value))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "Perennial-After"
