"""Idempotency-Key: one effect, one answer, however often and however close together it is sent."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from perennial_events import Database, utc_now
from perennial_http import add_key, hash_token, new_token, purge_idempotency
from perennial_http.app import ServiceApp

Count = Callable[[], Awaitable[int]]
CASE = {"customer_id": "c-1"}


def key(value: str) -> dict[str, str]:
    return {"Idempotency-Key": value}


async def test_the_first_answer_is_replayed_byte_for_byte(
    client: httpx.AsyncClient, count_cases: Count
) -> None:
    first = await client.post("/v1/cases", json=CASE, headers=key("k"))
    second = await client.post("/v1/cases", json=CASE, headers=key("k"))
    assert (first.status_code, second.status_code) == (201, 201)
    assert second.content == first.content
    replayed = dict(second.headers)
    assert replayed.pop("idempotent-replayed") == "true"
    assert replayed == dict(first.headers)
    assert {"etag", "location", "perennial-event"} <= set(replayed)
    assert await count_cases() == 1


async def test_the_same_key_with_another_request(
    client: httpx.AsyncClient, count_cases: Count
) -> None:
    await client.post("/v1/cases", json=CASE, headers=key("k"))
    other_body = await client.post("/v1/cases", json={"customer_id": "c-2"}, headers=key("k"))
    other_query = await client.post("/v1/cases?x=1", json=CASE, headers=key("k"))
    assert (other_body.status_code, other_query.status_code) == (422, 422)
    assert other_body.json()["type"].endswith("/key-reused")
    assert await count_cases() == 1


async def test_twenty_at_once_have_one_effect(
    client: httpx.AsyncClient, count_cases: Count
) -> None:
    slow = {"customer_id": "c", "fail": "slow"}
    answers = await asyncio.gather(
        *(client.post("/v1/cases", json=slow, headers=key("k")) for _ in range(20))
    )
    created = [answer for answer in answers if answer.status_code == 201]
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(created) + len(refused) == 20
    assert sum("idempotent-replayed" not in answer.headers for answer in created) == 1
    assert len({answer.content for answer in created}) == 1
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert await count_cases() == 1


async def test_many_rounds_of_close_races(client: httpx.AsyncClient, count_cases: Count) -> None:
    for number in range(25):
        await asyncio.gather(
            *(client.post("/v1/cases", json=CASE, headers=key(f"k{number}")) for _ in range(6))
        )
        last = await client.post("/v1/cases", json=CASE, headers=key(f"k{number}"))
        assert last.headers["idempotent-replayed"] == "true"
    assert await count_cases() == 25


@pytest.mark.parametrize("fail", ["boom", "nul"])
async def test_a_failed_request_keeps_nothing(
    client: httpx.AsyncClient, count_cases: Count, fail: str
) -> None:
    failed = await client.post("/v1/cases", json={**CASE, "fail": fail}, headers=key("k"))
    assert failed.status_code in (422, 500)
    again = await client.post("/v1/cases", json=CASE, headers=key("k"))
    assert again.status_code == 201
    assert await count_cases() == 1


async def test_keys_of_two_callers_and_two_paths_do_not_meet(
    client: httpx.AsyncClient, app: ServiceApp, database: Database, count_cases: Count
) -> None:
    token = new_token("other")
    async with database.transaction() as session:
        await add_key(
            session, key_id="o", key_hash=hash_token(token), scopes=["cases:write"], at=utc_now()
        )
    await app.runtime.keys.refresh()
    other = {**key("k"), "Authorization": f"Bearer {token}"}
    first = await client.post("/v1/cases", json=CASE, headers=key("k"))
    second = await client.post("/v1/cases", json=CASE, headers=other)
    case_id = first.json()["case_id"]
    patched = await client.patch(
        f"/v1/cases/{case_id}", json={"customer_id": "n"}, headers=key("k")
    )
    assert [answer.status_code for answer in (first, second, patched)] == [201, 201, 200]
    assert not any("idempotent-replayed" in answer.headers for answer in (first, second, patched))
    assert await count_cases() == 2


async def test_a_very_long_path_is_no_fault(client: httpx.AsyncClient) -> None:
    answer = await client.patch(
        f"/v1/cases/{'x' * 9_000}", json={"customer_id": "n"}, headers=key("k")
    )
    assert answer.status_code == 422


async def test_after_a_day_the_key_is_free(
    client: httpx.AsyncClient, database: Database, count_cases: Count
) -> None:
    await client.post("/v1/cases", json=CASE, headers=key("k"))
    async with database.transaction() as session:
        await session.execute(
            text("UPDATE idempotency SET created_at = created_at - interval '25 hours'")
        )
    again = await client.post("/v1/cases", json={"customer_id": "c-2"}, headers=key("k"))
    assert again.status_code == 201
    assert "idempotent-replayed" not in again.headers
    assert await count_cases() == 2


async def test_purging_is_bounded_and_spares_the_young(database: Database) -> None:
    now = utc_now()
    async with database.transaction() as session:
        await session.execute(
            text("""
                INSERT INTO idempotency
                SELECT 's', n::text, '', 200, '[]', '', CAST(:now AS timestamptz) - n * interval '1 minute'
                FROM generate_series(1, 2500) AS n
            """),
            {"now": now},
        )
    gone = []
    for _ in range(3):
        async with database.transaction() as session:
            gone.append(await purge_idempotency(session, now))
    assert gone == [1000, 61, 0]
    async with database.reading() as session:
        oldest = await session.scalar(text("SELECT min(created_at) FROM idempotency"))
    assert oldest > now - timedelta(hours=24)
