"""One request, one transaction, and the answer only after its commit."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from perennial_events import Database
from perennial_http.app import ServiceApp
from perennial_http.testing import ADMIN_KEY, until

Count = Callable[[], Awaitable[int]]
CASE = {"customer_id": "c-1"}


async def test_the_commit_precedes_the_first_byte_of_the_answer(
    app: ServiceApp, count_cases: Count
) -> None:
    seen: list[tuple[str, int]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b'{"customer_id":"c"}', "more_body": False}

    async def send(message: Any) -> None:
        seen.append((message["type"], await count_cases()))

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/cases",
        "raw_path": b"/v1/cases",
        "query_string": b"",
        "headers": [
            (b"authorization", f"Bearer {ADMIN_KEY}".encode()),
            (b"content-type", b"application/json"),
        ],
    }
    await app(scope, receive, send)
    assert seen == [("http.response.start", 1), ("http.response.body", 1)]


async def test_the_event_is_committed_with_the_change_and_named(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post("/v1/cases", json=CASE)
    async with database.reading() as session:
        ids = (await session.scalars(text("SELECT event_id::text FROM outbox"))).all()
    assert ids == [answer.headers["perennial-event"]]


@pytest.mark.parametrize("fail", ["boom", "nul"])
async def test_an_error_rolls_back(
    client: httpx.AsyncClient, database: Database, count_cases: Count, fail: str
) -> None:
    answer = await client.post("/v1/cases", json={**CASE, "fail": fail})
    assert answer.status_code in (422, 500)
    assert "secret" not in answer.text
    assert await count_cases() == 0
    async with database.reading() as session:
        assert await session.scalar(text("SELECT count(*) FROM outbox")) == 0


async def test_a_returned_refusal_rolls_back_too(
    client: httpx.AsyncClient, count_cases: Count
) -> None:
    answer = await client.post("/v1/refusals", json={**CASE, "case_id": "r"})
    assert answer.status_code == 409
    assert await count_cases() == 0


async def test_a_conflict_says_what_is_in_the_way(client: httpx.AsyncClient) -> None:
    await client.post("/v1/cases", json={**CASE, "case_id": "k"})
    answer = await client.post("/v1/cases", json={**CASE, "case_id": "k"})
    assert answer.status_code == 409
    assert answer.json() == {
        "type": "https://perennial.dev/problems/already-open",
        "title": "The case is open already",
        "status": 409,
        "detail": "Case k was opened before.",
        "case_id": "k",
    }


async def _in_transaction(database: Database) -> int:
    async with database.reading() as session:
        return int(
            await session.scalar(
                text("""
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                      AND state LIKE 'idle in transaction%'
                """)
            )
            or 0
        )


async def _until_in_transaction(database: Database, count: int) -> None:
    async def holds() -> bool:
        return await _in_transaction(database) == count

    await until(holds)


async def test_a_client_that_leaves_in_the_middle_leaves_no_transaction(
    client: httpx.AsyncClient, database: Database, gate: asyncio.Event
) -> None:
    gate.clear()
    try:
        leaving = [
            asyncio.create_task(client.post("/v1/cases", json={**CASE, "fail": "gate"}))
            for _ in range(6)
        ]
        await _until_in_transaction(database, 6)
        for task in leaving:
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)
    finally:
        gate.set()
    await _until_in_transaction(database, 0)
    assert (await client.post("/v1/cases", json=CASE)).status_code == 201


async def test_a_request_that_is_cancelled_leaves_no_transaction(
    app: ServiceApp, database: Database, gate: asyncio.Event, count_cases: Count
) -> None:
    """As at the end of a drain, when uvicorn cancels what still runs."""
    gate.clear()
    try:
        transport = httpx.ASGITransport(app)
        headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://x", headers=headers
        ) as inside:
            task = asyncio.create_task(inside.post("/v1/cases", json={**CASE, "fail": "gate"}))
            await _until_in_transaction(database, 1)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    finally:
        gate.set()
    await _until_in_transaction(database, 0)
    assert await count_cases() == 0


async def test_a_slow_reader_holds_no_connection(
    client: httpx.AsyncClient, database: Database
) -> None:
    async with client.stream("GET", "/v1/slow-reader") as answer:
        assert answer.status_code == 200

        async def all_given_back() -> bool:
            return bool(database.engine.pool.checkedout() == 0)  # type: ignore[attr-defined]  # QueuePool's

        # Not at once: the service reads its keys every second, for a moment, from the same pool.
        await until(all_given_back)


async def test_if_match_guards_a_write(client: httpx.AsyncClient) -> None:
    opened = await client.post("/v1/cases", json={**CASE, "case_id": "k"})
    tag = opened.headers["etag"]
    first = await client.patch("/v1/cases/k", json={"customer_id": "a"}, headers={"If-Match": tag})
    stale = await client.patch("/v1/cases/k", json={"customer_id": "b"}, headers={"If-Match": tag})
    weak = await client.patch(
        "/v1/cases/k", json={"customer_id": "b"}, headers={"If-Match": 'W/"2"'}
    )
    any_version = await client.patch(
        "/v1/cases/k", json={"customer_id": "d"}, headers={"If-Match": '"9", *'}
    )
    assert [answer.status_code for answer in (first, stale, weak, any_version)] == [
        200,
        412,
        412,
        200,
    ]
    assert stale.headers["etag"] == '"2"'


async def test_if_none_match_spares_a_reader(client: httpx.AsyncClient) -> None:
    await client.post("/v1/cases", json={**CASE, "case_id": "k"})
    tag = (await client.get("/v1/cases/k")).headers["etag"]
    same = await client.get("/v1/cases/k", headers={"If-None-Match": f'"x", W/{tag}'})
    other = await client.get("/v1/cases/k", headers={"If-None-Match": '"0"'})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert other.status_code == 200


async def test_an_unknown_id(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/cases/none")).status_code == 404
    assert (await client.patch("/v1/cases/none", json={"customer_id": "c"})).status_code == 404
