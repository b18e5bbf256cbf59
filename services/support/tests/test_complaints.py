"""Complaints through their door."""

import asyncio
from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp


def body(**changes: Any) -> dict[str, Any]:
    complaint = {
        "complaint_id": "k-1",
        "customer_id": "c-1",
        "order_id": "o-1",
        "text": "My parcel is late.",
        "channel": "email",
        **changes,
    }
    return {name: value for name, value in complaint.items() if value is not None}


async def opened(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/v1/complaints", json=body(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_a_complaint_opens_a_case_and_is_told_of(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    answer = await client.post("/v1/complaints", json=body(sku="mug"))

    assert answer.status_code == 201
    assert answer.headers["Location"] == "/v1/complaints/k-1"
    complaint = answer.json()
    case = complaint.pop("case")
    assert complaint == {
        "complaint_id": "k-1",
        "case_id": case["case_id"],
        "customer_id": "c-1",
        "order_id": "o-1",
        "sku": "mug",
        "category": "delivery",
        "severity": "minor",
        "suggested": {"category": True, "severity": True},
        "because": {"category": ["parcel", "late"], "severity": ["late"]},
        "text": "My parcel is late.",
        "channel": "email",
        "joined": False,
        "opened_at": "2026-03-02T12:00:00Z",
    }
    assert case == {
        "case_id": complaint["case_id"],
        "customer_id": "c-1",
        "order_id": "o-1",
        "status": "open",
        "queue": "logistics",
        "owner": "service-desk",
        "category": "delivery",
        "severity": "minor",
        "priority": 3,
        "level": 0,
        "channel": "email",
        "opened_at": "2026-03-02T12:00:00Z",
        "first_response_at": None,
        "escalated_at": None,
        "resolved_at": None,
        "reopened_at": None,
    }
    (event,) = await published(app.runtime.database)
    assert event.type == "perennial.complaints.complaint_opened.v1"
    assert str(event.id) == answer.headers["Perennial-Event"]
    assert (event.key, event.subject, event.imported) == ("c-1", "k-1", False)
    assert "parcel" not in event.data
    read = await client.get("/v1/complaints/k-1")
    assert read.json() == answer.json()
    assert read.headers["ETag"] == answer.headers["ETag"]
    unchanged = {"If-None-Match": read.headers["ETag"]}
    assert (await client.get("/v1/complaints/k-1", headers=unchanged)).status_code == 304
    await client.post(f"/v1/cases/{case['case_id']}/note", json={"text": "looked into"})
    assert (await client.get("/v1/complaints/k-1", headers=unchanged)).status_code == 200


async def test_what_the_caller_says_is_not_suggested(client: httpx.AsyncClient) -> None:
    complaint = await opened(client, category="payment", severity="critical")
    assert (complaint["category"], complaint["severity"]) == ("payment", "critical")
    assert complaint["suggested"] == {"category": False, "severity": False}
    assert complaint["because"] == {"category": [], "severity": []}
    case = complaint["case"]
    assert (case["queue"], case["owner"], case["priority"]) == ("billing", "finance", 1)


async def test_words_that_say_nothing_are_other_and_minor(client: httpx.AsyncClient) -> None:
    complaint = await opened(client, text="Hm.")
    assert (complaint["category"], complaint["severity"]) == ("other", "minor")
    assert complaint["case"]["queue"] == "general"


async def test_a_second_complaint_about_the_order_joins_its_open_case(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, published: Any
) -> None:
    first = await opened(client)
    case_path = f"/v1/cases/{first['case_id']}"
    await client.post(f"{case_path}/reply", json={"text": "We look."})
    clock.turn(hours=1)
    second = await opened(client, complaint_id="k-2", text="It came broken", channel="phone")

    assert (second["joined"], second["case_id"]) == (True, first["case_id"])
    case = second["case"]
    assert (case["status"], case["severity"], case["priority"]) == ("open", "major", 2)
    assert (case["category"], case["queue"], case["channel"]) == ("delivery", "logistics", "phone")
    assert case["opened_at"] == "2026-03-02T12:00:00Z"
    events = await published(app.runtime.database)
    assert '"joined":true' in events[-1].data
    whole = (await client.get(case_path)).json()
    assert [each["complaint_id"] for each in whole["complaints"]] == ["k-1", "k-2"]
    assert [(each["kind"], each["author"], each["channel"]) for each in whole["messages"]] == [
        ("complaint", "c-1", "email"),
        ("reply", "service-desk", "email"),
        ("complaint", "c-1", "phone"),
    ]


async def test_what_does_not_join(client: httpx.AsyncClient) -> None:
    """Another order, another customer, no order at all, or a case that is resolved."""
    first = await opened(client)
    others = [
        await opened(client, complaint_id="k-2", order_id="o-2"),
        await opened(client, complaint_id="k-3", customer_id="c-2"),
        await opened(client, complaint_id="k-4", order_id=None),
        await opened(client, complaint_id="k-5", order_id=None),
    ]
    await client.post(f"/v1/cases/{first['case_id']}/resolve")
    others.append(await opened(client, complaint_id="k-6"))
    assert not any(each["joined"] for each in others)
    assert len({each["case_id"] for each in [first, *others]}) == 6


async def test_twenty_complaints_about_one_order_at_once_are_one_case(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    answers = await asyncio.gather(
        *(client.post("/v1/complaints", json=body(complaint_id=f"k-{n}")) for n in range(20))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["case_id"] for answer in answers}) == 1
    assert sorted(answer.json()["joined"] for answer in answers) == [False] + [True] * 19
    case_id = answers[0].json()["case_id"]
    whole = await client.get(f"/v1/cases/{case_id}")
    assert len(whole.json()["complaints"]) == 20
    assert whole.headers["ETag"] == '"20"'
    assert len((await client.get("/v1/cases")).json()["data"]) == 1
    # The case row orders them: who opened the case is told of first.
    events = await published(app.runtime.database)
    assert ['"joined":true' in event.data for event in events] == [False] + [True] * 19


async def test_complaints_and_resolutions_at_once_lose_nothing(client: httpx.AsyncClient) -> None:
    """A complaint that meets its case while it is being resolved finds it open, or opens another."""

    async def resolve_what_is_open() -> None:
        for case in (await client.get("/v1/cases?status=open")).json()["data"]:
            answer = await client.post(f"/v1/cases/{case['case_id']}/resolve")
            assert answer.status_code in {200, 409}

    resolving = asyncio.gather(*(resolve_what_is_open() for _ in range(10)))
    answers = await asyncio.gather(
        *(client.post("/v1/complaints", json=body(complaint_id=f"k-{n}")) for n in range(30))
    )
    await resolving
    assert {answer.status_code for answer in answers} == {201}
    cases = (await client.get("/v1/cases")).json()["data"]
    assert sum(case["status"] == "open" for case in cases) <= 1
    opening = [answer.json() for answer in answers if not answer.json()["joined"]]
    assert {each["case_id"] for each in opening} == {case["case_id"] for case in cases}


async def test_the_same_id_again_is_a_conflict_and_leaves_the_case_alone(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    complaint = await opened(client)
    again = await client.post("/v1/complaints", json=body(severity="critical"))
    assert again.status_code == 409
    assert "k-1" in again.json()["detail"]
    other_order = await client.post("/v1/complaints", json=body(order_id="o-9"))
    assert other_order.status_code == 409
    assert (await client.get("/v1/cases")).json()["data"] == [complaint["case"]]
    assert len(await published(app.runtime.database)) == 1


async def test_retries_with_one_key_complain_once(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(
            client.post(
                "/v1/complaints", json=body(complaint_id=None), headers={"Idempotency-Key": "once"}
            )
            for _ in range(20)
        )
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    ids = {answer.json()["complaint_id"] for answer in answers if answer.status_code == 201}
    assert len(ids) == 1
    (case,) = (await client.get("/v1/cases")).json()["data"]
    assert len((await client.get(f"/v1/cases/{case['case_id']}")).json()["complaints"]) == 1


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"text": ""}, "/text"),
        ({"text": "x" * 10_001}, "/text"),
        ({"text": "a\0b"}, "/text"),
        ({"text": 5}, "/text"),
        ({"category": "weather"}, "/category"),
        ({"severity": "huge"}, "/severity"),
        ({"customer_id": "c 1"}, "/customer_id"),
        ({"customer_id": None}, "/customer_id"),
        ({"order_id": "x" * 65}, "/order_id"),
        ({"sku": ""}, "/sku"),
        ({"channel": None}, "/channel"),
        ({"channel": "with\nlines"}, "/channel"),
        ({"owner": "me"}, "/owner"),
    ],
)
async def test_bad_fields_are_pointed_at(
    client: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await client.post("/v1/complaints", json=body(**changes))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_unknown_ids(client: httpx.AsyncClient) -> None:
    for path in ("/v1/complaints/nobody", "/v1/cases/nobody"):
        answer = await client.get(path)
        assert (answer.status_code, "nobody" in answer.json()["detail"]) == (404, True)


async def test_texts_in_any_script_come_back_as_they_were(client: httpx.AsyncClient) -> None:
    text = "Verspätet! 包裹很晚 \U0001f4e6 \u202e e\u0301 \\u0000"
    await opened(client, text=text)
    assert (await client.get("/v1/complaints/k-1")).json()["text"] == text
