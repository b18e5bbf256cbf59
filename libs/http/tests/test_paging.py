"""Lists: each row once, in order, whatever arrives meanwhile, and no cursor but our own."""

import asyncio
import base64
import json

import httpx
import pytest
from sqlalchemy import text

from perennial_events import Database


async def fill(database: Database, count: int) -> None:
    async with database.transaction() as session:
        # Ten rows share each time, so that the id has to decide among them.
        await session.execute(
            text("""
                INSERT INTO cases (case_id, customer_id, opened_at)
                SELECT 'k' || lpad(n::text, 4, '0'), 'c' || n % 2,
                       timestamptz '2026-01-01' + n / 10 * interval '1 microsecond'
                FROM generate_series(1, :count) AS n
            """),
            {"count": count},
        )


async def test_the_pages_hold_every_row_once_newest_first(
    client: httpx.AsyncClient, database: Database
) -> None:
    await fill(database, 95)
    seen: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": "20"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/cases", params=parameters)).json()
        seen += [row["case_id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        await client.post("/v1/cases", json={"customer_id": "late"})
    assert seen == [f"k{n:04}" for n in range(95, 0, -1)]


async def test_a_last_page_that_is_just_full(client: httpx.AsyncClient, database: Database) -> None:
    await fill(database, 50)
    page = (await client.get("/v1/cases")).json()
    assert len(page["data"]) == 50
    assert page["next_cursor"] is None


async def test_filters_stand_beside_the_cursor(
    client: httpx.AsyncClient, database: Database
) -> None:
    await fill(database, 30)
    first = (await client.get("/v1/cases?customer_id=c1&limit=10")).json()
    rest = (
        await client.get("/v1/cases", params={"customer_id": "c1", "cursor": first["next_cursor"]})
    ).json()
    assert len(first["data"]) + len(rest["data"]) == 15
    assert {row["customer_id"] for row in first["data"] + rest["data"]} == {"c1"}


def encoded(*values: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(values)).encode()).decode()


@pytest.mark.parametrize(
    "cursor",
    [
        "x", "é", "!!!!", "", "a" * 3_000,
        encoded(), encoded("2026-01-01T00:00:00Z"), encoded("2026-01-01T00:00:00Z", 5),
        encoded("2026-01-01T00:00:00Z", "a\0b"), encoded("2026-01-01T00:00:00", "a"), encoded("x", "a"),
        encoded({}, []), encoded(float("nan"), "a"), encoded("2026-01-01T00:00:00Z", "\ud800"),
        base64.urlsafe_b64encode(b"[" * 1_000).decode(), base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)  # fmt: skip
async def test_a_made_up_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get("/v1/cases", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "limit=1.5", "nope=1", "customer_id=a b"]
)
async def test_a_wrong_parameter_is_named(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/cases?{query}")
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [query.partition("=")[0]]


async def test_pages_can_be_read_side_by_side(
    client: httpx.AsyncClient, database: Database
) -> None:
    await fill(database, 100)
    answers = await asyncio.gather(*(client.get("/v1/cases?limit=200") for _ in range(40)))
    assert {len(answer.json()["data"]) for answer in answers} == {100}
