"""Cases through their door."""

import asyncio
from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp

BODIES: dict[str, dict[str, Any]] = {
    "assign": {"owner": "anna"},
    "reply": {"text": "We are sorry."},
    "note": {"text": "Third time with this carrier."},
    "escalate": {"reason": "No answer from the carrier."},
    "resolve": {"resolution": "Sent again."},
    "reopen": {"reason": "It came broken."},
}


async def opened(client: httpx.AsyncClient, **changes: Any) -> str:
    complaint = {
        "customer_id": "c-1",
        "order_id": "o-1",
        "text": "My parcel is late.",
        "channel": "email",
    }
    answer = await client.post("/v1/complaints", json={**complaint, **changes})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["case_id"])


async def act(client: httpx.AsyncClient, case_id: str, action: str, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/cases/{case_id}/{action}", json=body or BODIES[action])
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_the_way_of_a_case(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, published: Any
) -> None:
    case_id = await opened(client)
    clock.turn(hours=1)
    assert (await act(client, case_id, "assign"))["owner"] == "anna"
    clock.turn(hours=1)
    replied = await act(client, case_id, "reply", text="We ask the carrier.")
    assert (replied["status"], replied["first_response_at"]) == ("answered", "2026-03-02T14:00:00Z")
    clock.turn(hours=1)
    again = await act(client, case_id, "reply", text="Found it.", author="ben", channel="phone")
    assert again["first_response_at"] == "2026-03-02T14:00:00Z"
    await act(client, case_id, "note")
    escalated = await act(client, case_id, "escalate")
    assert (escalated["level"], escalated["priority"]) == (1, 2)
    assert escalated["escalated_at"] == "2026-03-02T15:00:00Z"
    clock.turn(hours=1)
    resolved = await act(client, case_id, "resolve")
    assert (resolved["status"], resolved["resolved_at"]) == ("resolved", "2026-03-02T16:00:00Z")
    clock.turn(days=1)
    reopened = await act(client, case_id, "reopen")
    assert (reopened["status"], reopened["resolved_at"]) == ("open", None)
    assert reopened["reopened_at"] == "2026-03-03T16:00:00Z"

    whole = (await client.get(f"/v1/cases/{case_id}")).json()
    assert [
        (each["kind"], each["author"], each["channel"], each["at"][11:13])
        for each in whole["messages"]
    ] == [
        ("complaint", "c-1", "email", "12"),
        ("reply", "anna", "email", "14"),
        ("reply", "ben", "phone", "15"),
        ("note", "anna", None, "15"),
        ("escalation", "anna", None, "15"),
        ("resolution", "anna", None, "16"),
        ("reopening", "anna", None, "16"),
    ]
    events = await published(app.runtime.database)
    assert [(event.type.split(".")[2], event.time.hour) for event in events] == [
        ("complaint_opened", 12),
        ("complaint_answered", 14),
        ("complaint_answered", 15),
        ("complaint_escalated", 15),
        ("complaint_resolved", 16),
        ("complaint_reopened", 16),
    ]
    assert {event.key for event in events} == {"c-1"}
    assert {event.subject for event in events[1:]} == {case_id}
    assert ['"first":true' in event.data for event in events[1:3]] == [True, False]
    assert '"level":1' in events[3].data
    assert not any("carrier" in event.data or "anna" in event.data for event in events)


async def test_a_write_that_tells_an_event_names_it(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    case_id = await opened(client)
    replied = await client.post(f"/v1/cases/{case_id}/reply", json=BODIES["reply"])
    events = await published(app.runtime.database)
    assert replied.headers["Perennial-Event"] == str(events[-1].id)
    noted = await client.post(f"/v1/cases/{case_id}/note", json=BODIES["note"])
    assert "Perennial-Event" not in noted.headers


ALLOWED = {
    "open": ["assign", "complain", "escalate", "note", "reply", "resolve"],
    "answered": ["assign", "complain", "escalate", "note", "reply", "resolve"],
    "resolved": ["note", "reopen"],
}
WAYS = {"open": (), "answered": ("reply",), "resolved": ("reply", "resolve")}


@pytest.mark.parametrize("state", ALLOWED)
@pytest.mark.parametrize("action", BODIES)
async def test_each_state_allows_what_it_allows(
    client: httpx.AsyncClient, app: ServiceApp, published: Any, state: str, action: str
) -> None:
    case_id = await opened(client)
    for step in WAYS[state]:
        await act(client, case_id, step)
    before = (await client.get(f"/v1/cases/{case_id}")).json()
    told = len(await published(app.runtime.database))
    answer = await client.post(f"/v1/cases/{case_id}/{action}", json=BODIES[action])
    if action in ALLOWED[state]:
        assert answer.status_code == 200
        return
    assert answer.status_code == 409
    assert (answer.json()["state"], answer.json()["allowed"]) == (state, ALLOWED[state])
    assert (await client.get(f"/v1/cases/{case_id}")).json() == before
    assert len(await published(app.runtime.database)) == told


async def test_every_change_moves_the_etag(client: httpx.AsyncClient) -> None:
    case_id = await opened(client)
    tags = []
    for action in ("note", "assign", "reply", "escalate", "resolve", "reopen"):
        tags.append((await client.get(f"/v1/cases/{case_id}")).headers["ETag"])
        await act(client, case_id, action)
    assert len(set(tags)) == len(tags)
    headers = {"If-None-Match": (await client.get(f"/v1/cases/{case_id}")).headers["ETag"]}
    assert (await client.get(f"/v1/cases/{case_id}", headers=headers)).status_code == 304


async def test_escalation_never_passes_the_most_urgent(client: httpx.AsyncClient) -> None:
    case_id = await opened(client, severity="major")
    seen = [await act(client, case_id, "escalate") for _ in range(3)]
    assert [(case["level"], case["priority"]) for case in seen] == [(1, 1), (2, 1), (3, 1)]


async def test_twenty_first_replies_are_one_first_response(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    case_id = await opened(client)
    await asyncio.gather(*(act(client, case_id, "reply") for _ in range(20)))
    events = await published(app.runtime.database)
    assert ['"first":true' in event.data for event in events[1:]] == [True] + [False] * 19
    whole = await client.get(f"/v1/cases/{case_id}")
    assert len(whole.json()["messages"]) == 21


async def test_a_case_resolved_by_many_is_resolved_once(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    case_id = await opened(client)
    answers = await asyncio.gather(
        *(client.post(f"/v1/cases/{case_id}/resolve") for _ in range(10))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    assert len(await published(app.runtime.database)) == 2


async def test_an_order_never_has_two_open_cases(client: httpx.AsyncClient) -> None:
    old = await opened(client)
    await act(client, old, "resolve")
    new = await opened(client)
    refused = await client.post(f"/v1/cases/{old}/reopen", json=BODIES["reopen"])
    assert refused.status_code == 409
    assert refused.json()["open_case_id"] == new
    await act(client, new, "resolve")
    assert (await act(client, old, "reopen"))["status"] == "open"


async def test_reopening_and_complaining_at_once_leaves_one_open_case(
    client: httpx.AsyncClient,
) -> None:
    for number in range(10):
        order = f"o-{number}"
        old = await opened(client, order_id=order)
        await act(client, old, "resolve")
        reopened, complained = await asyncio.gather(
            client.post(f"/v1/cases/{old}/reopen", json=BODIES["reopen"]),
            opened(client, order_id=order),
        )
        assert reopened.status_code in {200, 409}
        assert (complained == old) == (reopened.status_code == 200)


@pytest.mark.parametrize(
    ("action", "body", "pointer"),
    [
        ("assign", {}, "/owner"),
        ("assign", {"owner": None}, "/owner"),
        ("assign", {"owner": ""}, "/owner"),
        ("reply", {"text": ""}, "/text"),
        ("reply", {"text": "x", "channel": "?"}, "/channel"),
        ("reply", {"text": "x", "author": "Anna B"}, "/author"),
        ("note", {"text": "x", "channel": "email"}, "/channel"),
        ("escalate", {}, "/reason"),
        ("resolve", {"resolution": 7}, "/resolution"),
        ("resolve", {"text": "done"}, "/text"),
        ("reopen", {"reason": "a\0"}, "/reason"),
    ],
)
async def test_bad_fields_are_pointed_at(
    client: httpx.AsyncClient, action: str, body: dict[str, Any], pointer: str
) -> None:
    case_id = await opened(client)
    answer = await client.post(f"/v1/cases/{case_id}/{action}", json=body)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("action", BODIES)
async def test_acting_on_no_case(client: httpx.AsyncClient, action: str) -> None:
    answer = await client.post(f"/v1/cases/nobody/{action}", json=BODIES[action])
    assert answer.status_code == 404


async def test_lists_filter_and_go_page_by_page(client: httpx.AsyncClient, clock: Any) -> None:
    ids = []
    for number in range(25):
        if number % 5 == 0:
            clock.turn(minutes=1)
        category = "payment" if number % 2 else "delivery"
        ids.append(
            await opened(
                client,
                customer_id=f"c-{number % 3}",
                order_id=f"o-{number}",
                category=category,
            )
        )
    for case_id in ids[:4]:
        await act(client, case_id, "resolve")
    await act(client, ids[7], "assign")

    seen: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": "7"} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/cases", params=parameters)).json()
        seen += [case["case_id"] for case in page["data"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert len(seen) == 25
    assert set(seen) == set(ids)
    assert set(seen[:5]) == set(ids[-5:])

    async def found(query: str) -> set[str]:
        answer = await client.get(f"/v1/cases?limit=200&{query}")
        assert answer.status_code == 200, answer.text
        return {case["case_id"] for case in answer.json()["data"]}

    assert await found("queue=billing") == set(ids[1::2])
    assert await found("status=resolved") == set(ids[:4])
    assert await found("owner=anna") == {ids[7]}
    assert await found("owner=service-desk&queue=logistics") == set(ids[::2])
    assert await found("customer_id=c-1&status=open") == set(ids[1::3]) - set(ids[:4])


@pytest.mark.parametrize(
    "query", ["queue=sea", "status=closed", "owner=a%20b", "customer_id=", "cursor=x", "colour=red"]
)
async def test_a_wrong_parameter_is_named(client: httpx.AsyncClient, query: str) -> None:
    answer = await client.get(f"/v1/cases?{query}")
    assert answer.status_code == 422
    assert [error["parameter"] for error in answer.json()["errors"]] == [query.partition("=")[0]]
