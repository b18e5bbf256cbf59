"""Complaints of the past, through their door."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from perennial_http import ServiceApp

HEADERS = {"Content-Type": "application/x-ndjson"}


def past(complaint_id: str, **changes: Any) -> dict[str, Any]:
    complaint = {
        "complaint_id": complaint_id,
        "customer_id": "c-1",
        "order_id": "o-1",
        "text": "My parcel is late.",
        "channel": "email",
        "opened_at": "2025-01-05T10:00:00Z",
        **changes,
    }
    return {name: value for name, value in complaint.items() if value is not None}


async def send(client: httpx.AsyncClient, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    ndjson = "\n".join(json.dumps(line) for line in lines)
    answer = await client.post("/v1/complaints:import", content=ndjson, headers=HEADERS)
    assert answer.status_code == 200
    return [json.loads(row) for row in answer.text.splitlines()]


async def case_of(client: httpx.AsyncClient, complaint_id: str) -> dict[str, Any]:
    complaint = (await client.get(f"/v1/complaints/{complaint_id}")).json()
    return dict((await client.get(f"/v1/cases/{complaint['case_id']}")).json())


async def told(app: ServiceApp, published: Any) -> list[tuple[str, str]]:
    events = await published(app.runtime.database)
    assert all(each.imported for each in events)
    return [(each.type.split(".")[2], each.time.strftime("%m-%d %H")) for each in events]


HANDLED = {
    "answered_at": "2025-01-06T09:00:00Z",
    "answer": "It is on its way.",
    "resolved_at": "2025-01-07T12:00:00Z",
}


async def test_a_past_complaint_goes_the_whole_way_at_its_own_times(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    assert await send(client, past("k-1", **HANDLED)) == [
        {"created": 1, "unchanged": 0, "refused": 0}
    ]
    assert await told(app, published) == [
        ("complaint_opened", "01-05 10"),
        ("complaint_answered", "01-06 09"),
        ("complaint_resolved", "01-07 12"),
    ]
    case = await case_of(client, "k-1")
    assert (case["status"], case["owner"]) == ("resolved", "service-desk")
    assert case["opened_at"] == "2025-01-05T10:00:00Z"
    assert case["first_response_at"] == "2025-01-06T09:00:00Z"
    assert case["resolved_at"] == "2025-01-07T12:00:00Z"
    assert [(each["kind"], each["text"]) for each in case["messages"]] == [
        ("complaint", "My parcel is late."),
        ("reply", "It is on its way."),
    ]
    (complaint,) = case["complaints"]
    assert complaint["suggested"] == {"category": True, "severity": True}
    assert complaint["because"]["category"] == ["parcel", "late"]


async def test_a_second_run_changes_nothing(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    lines = [
        past("k-1", **HANDLED),
        past("k-2", order_id="o-2"),
        past("k-2", order_id="o-2"),
        past("k-3", order_id=None),
    ]
    assert await send(client, *lines) == [{"created": 3, "unchanged": 1, "refused": 0}]
    cases = (await client.get("/v1/cases")).json()
    events = await published(app.runtime.database)
    assert await send(client, *lines) == [{"created": 0, "unchanged": 4, "refused": 0}]
    assert (await client.get("/v1/cases")).json() == cases
    assert await published(app.runtime.database) == events


async def test_two_imports_of_the_same_at_once_bring_each_complaint_once(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    lines = [past(f"k-{n}", order_id=f"o-{n % 40}") for n in range(120)]
    both = await asyncio.gather(send(client, *lines), send(client, *lines))
    assert sum(rows[-1]["created"] for rows in both) == 120
    assert sum(rows[-1]["refused"] for rows in both) == 0
    assert len((await client.get("/v1/cases?limit=200")).json()["data"]) == 40
    assert len(await published(app.runtime.database)) == 120


async def test_complaints_that_overlapped_shared_a_case_until_the_last_was_resolved(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    await send(
        client,
        past("k-3", opened_at="2025-01-20T10:00:00Z"),
        past("k-2", opened_at="2025-01-06T10:00:00Z", resolved_at="2025-01-09T10:00:00Z"),
        past("k-1", **HANDLED),
    )
    first, second, third = [await case_of(client, f"k-{n}") for n in (1, 2, 3)]
    assert first == second
    assert (first["status"], first["resolved_at"]) == ("resolved", "2025-01-09T10:00:00Z")
    assert [each["joined"] for each in first["complaints"]] == [False, True]
    assert third["case_id"] != first["case_id"]
    assert third["status"] == "open"
    assert await told(app, published) == [
        ("complaint_opened", "01-05 10"),
        ("complaint_answered", "01-06 09"),
        ("complaint_opened", "01-06 10"),
        ("complaint_resolved", "01-09 10"),
        ("complaint_opened", "01-20 10"),
    ]


async def test_what_was_never_resolved_joins_the_case_that_is_open_now(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    live = await client.post(
        "/v1/complaints",
        json={"customer_id": "c-1", "order_id": "o-1", "text": "late", "channel": "web"},
    )
    await send(
        client,
        past("k-1", answered_at="2025-01-06T09:00:00Z", answer="We look.", text="It is broken"),
        past("k-0", opened_at="2024-06-01T10:00:00Z", resolved_at="2024-06-02T10:00:00Z"),
    )
    case = await case_of(client, "k-1")
    assert case["case_id"] == live.json()["case_id"]
    assert (case["status"], case["severity"], case["priority"]) == ("answered", "major", 2)
    assert case["opened_at"] == "2025-01-05T10:00:00Z"
    assert case["first_response_at"] == "2025-01-06T09:00:00Z"
    assert [each["kind"] for each in case["messages"]] == ["complaint", "reply", "complaint"]
    older = await case_of(client, "k-0")
    assert older["case_id"] != case["case_id"]
    assert older["status"] == "resolved"
    read = await client.get(f"/v1/cases/{case['case_id']}")
    assert read.headers["ETag"] == '"3"'
    # The next one live finds this case as the import left it.
    joined = await client.post(
        "/v1/complaints",
        json={"customer_id": "c-1", "order_id": "o-1", "text": "still", "channel": "web"},
    )
    assert joined.json()["joined"] is True
    assert joined.json()["case"]["status"] == "open"


async def test_live_complaints_during_an_import_end_in_the_same_cases(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    lines = [past(f"k-{n}", order_id=f"o-{n}") for n in range(60)]
    live = [
        {"customer_id": "c-1", "order_id": f"o-{n}", "text": "late", "channel": "web"}
        for n in range(60)
    ]
    rows, *answers = await asyncio.gather(
        send(client, *lines), *(client.post("/v1/complaints", json=each) for each in live)
    )
    assert rows == [{"created": 60, "unchanged": 0, "refused": 0}]
    assert {answer.status_code for answer in answers} == {201}
    cases = (await client.get("/v1/cases?limit=200")).json()["data"]
    assert len(cases) == len({case["order_id"] for case in cases}) == 60
    events = await published(app.runtime.database)
    assert sum('"joined":true' in each.data for each in events) == 60


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"opened_at": None}, "/opened_at"),
        ({"opened_at": "yesterday"}, "/opened_at"),
        ({"opened_at": "2025-01-05T10:00:00"}, "/opened_at"),
        ({"opened_at": "2026-03-02T12:00:01Z"}, "/opened_at"),
        ({"answered_at": "2025-01-05T09:59:59Z"}, "/answered_at"),
        ({"resolved_at": "2025-01-04T10:00:00Z"}, "/resolved_at"),
        ({"resolved_at": "2027-01-04T10:00:00Z"}, "/resolved_at"),
        (
            {"answered_at": "2025-01-08T10:00:00Z", "resolved_at": "2025-01-07T10:00:00Z"},
            "/resolved_at",
        ),
        ({"answer": "sorry"}, "/answer"),
        ({"category": "weather"}, "/category"),
        ({"text": "a\0"}, "/text"),
        ({"status": "resolved"}, "/status"),
    ],
)
async def test_a_bad_line_is_pointed_at_and_refused_alone(
    client: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    rows = await send(client, past("a"), past("bad", **{"order_id": "o-2", **changes}), past("z"))
    assert rows[-1] == {"created": 2, "unchanged": 0, "refused": 1}
    assert (rows[0]["line"], rows[0]["id"]) == (2, "bad")
    assert [error["pointer"] for error in rows[0]["errors"]] == [pointer]


async def test_a_line_without_an_id_is_refused(client: httpx.AsyncClient) -> None:
    line = past("k-1")
    del line["complaint_id"]
    refused, totals = await send(client, line)
    assert (refused["id"], refused["errors"][0]["pointer"]) == (None, "/complaint_id")
    assert totals["refused"] == 1


async def test_a_chunk_takes_the_same_statements_however_many_lines_it_has(
    client: httpx.AsyncClient, app: ServiceApp
) -> None:
    statements: list[str] = []
    engine = app.runtime.database.engine.sync_engine
    resting = asyncio.all_tasks()  # as the one that reads the keys again every now and then

    def note(*arguments: Any) -> None:
        if asyncio.current_task() not in resting:
            statements.append(arguments[2])

    def lines(prefix: str, count: int) -> list[dict[str, Any]]:
        made = [past(f"{prefix}-{n}", order_id=f"o-{n}", answered_at=None) for n in range(count)]
        return made + [
            past(f"{prefix}-new-{n}", order_id=f"{prefix}-{n}", **HANDLED) for n in range(count)
        ]

    await send(client, *lines("first", 200))
    event.listen(engine, "before_cursor_execute", note)
    taken = []
    for prefix, count in (("few", 2), ("many", 200)):
        statements.clear()
        assert (await send(client, *lines(prefix, count)))[-1]["created"] == 2 * count
        taken.append([each.split()[0] for each in statements])
    event.remove(engine, "before_cursor_execute", note)
    few, many = taken
    assert few == many
    assert len(many) <= 7
