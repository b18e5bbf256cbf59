"""Erasing somebody who complained: their words go, and no new ones are taken, whatever the moment."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from perennial_events import Received, seal
from perennial_events.catalogue import CustomerErased
from perennial_events.timers import run_due
from perennial_http import ServiceApp
from perennial_http.privacy import sweep
from support_service.handlers import SUBSCRIPTIONS
from support_service.holdings import HOLDINGS

Json = dict[str, Any]


async def complain(client: httpx.AsyncClient, customer: str, **more: Any) -> httpx.Response:
    body = {"customer_id": customer, "text": "Zebulon's parcel is broken", "channel": "email"}
    headers = {"Idempotency-Key": uuid4().hex}
    return await client.post("/v1/complaints", json={**body, **more}, headers=headers)


@pytest.fixture
async def case(client: httpx.AsyncClient) -> str:
    case_id = str((await complain(client, "c-1")).json()["case_id"])
    for verb, body in (("note", {"text": "Zebulon called"}), ("escalate", {"reason": "Zebulon"})):
        answer = await client.post(
            f"/v1/cases/{case_id}/{verb}", json=body, headers={"Idempotency-Key": verb}
        )
        assert answer.status_code == 200
    await complain(client, "other", text="Another's parcel is late")
    return case_id


def erased(clock: Any, *customers: str) -> Sequence[Received[Any]]:
    events = [
        CustomerErased(customer_id=each, erasure_id=f"e-{each}", identities=[each])
        for each in customers
    ]
    return [Received(e, seal(e, source="/perennial/profile", time=clock())) for e in events]


async def erase(app: ServiceApp, clock: Any, *customers: str) -> None:
    async with app.runtime.database.transaction() as session:
        await SUBSCRIPTIONS.apply(session, erased(clock, *customers))


async def words(app: ServiceApp) -> str:
    async with app.runtime.database.reading() as session:
        rows = await session.scalars(
            text(
                "SELECT text || CAST(because AS text) FROM complaints UNION ALL SELECT text FROM messages"
                " UNION ALL SELECT convert_from(body, 'UTF8') FROM idempotency"
            )
        )
        return "\n".join(rows)


async def test_their_words_go_and_the_case_stays(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, case: str, published: Any
) -> None:
    assert (await words(app)).count("Zebulon") == 4  # the answer that is kept for a retry is one
    await erase(app, clock, "c-1", "nobody")

    left = await words(app)
    assert "Zebulon" not in left
    assert "broken" not in left, "the words that decided on the category are the customer's too"
    assert "Another" in left
    read = (await client.get(f"/v1/cases/{case}")).json()
    assert [each["text"] for each in read["messages"]] == ["[erased]"] * 3
    told = [e for e in await published(app.runtime.database) if "erasure_completed" in e.type]
    assert {json.loads(each.data)["service"] for each in told} == {"support"}
    assert [each.key for each in told] == ["c-1", "nobody"]


async def test_no_new_words_about_them_are_taken(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, case: str
) -> None:
    await erase(app, clock, "c-1")
    for path, body in (
        ("/v1/complaints", {"customer_id": "c-1", "text": "Zebulon", "channel": "email"}),
        (f"/v1/cases/{case}/reply", {"text": "Dear Zebulon"}),
        (f"/v1/cases/{case}/resolve", {"resolution": "Zebulon is content"}),
    ):
        answer = await client.post(path, json=body, headers={"Idempotency-Key": "k"})
        assert answer.status_code == 410, answer.text
        assert answer.json()["customer_id"] == "c-1"
    resolved = await client.post(f"/v1/cases/{case}/resolve")
    assert resolved.status_code == 200, "what needs no words can still be done"
    lines = [
        {"complaint_id": id, "customer_id": customer, "text": "Zebulon", "channel": "email"}
        | {"opened_at": "2026-01-01T00:00:00Z"}
        for id, customer in (("p-1", "c-1"), ("p-2", "other"))
    ]
    answer = await client.post(
        "/v1/complaints:import",
        content="\n".join(map(json.dumps, lines)),
        headers={"content-type": "application/x-ndjson"},
    )
    refusal, totals = [json.loads(line) for line in answer.text.splitlines()]
    assert totals == {"created": 1, "unchanged": 0, "refused": 1}
    assert (refusal["id"], "was erased" in refusal["errors"][0]["detail"]) == ("p-1", True)


async def test_what_was_being_written_at_that_moment_is_swept_up(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, case: str
) -> None:
    """A transaction that had looked before the erasure, and commits after it."""
    insert = text(
        "INSERT INTO messages (message_id, case_id, kind, text, author, at)"
        " VALUES ('m', :case, 'note', 'Zebulon again', 'a', now())"
    )
    async with app.runtime.database.transaction() as writing:
        await writing.execute(insert, {"case": case})
        await erase(app, clock, "c-1")
    assert "Zebulon" in await words(app)

    clock.turn(minutes=1)
    await run_due(app.runtime.database, sweep(HOLDINGS), clock())

    assert "Zebulon" not in await words(app)


async def test_the_same_erasure_twice_changes_nothing_more(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, case: str
) -> None:
    await erase(app, clock, "c-1")
    before = await words(app)
    await erase(app, clock, "c-1", "c-1")
    assert await words(app) == before


async def test_who_read_a_case_is_on_record(client: httpx.AsyncClient, case: str) -> None:
    await client.post(f"/v1/cases/{case}/note", json={"text": "Zebulon called again"})
    found = (await client.get("/v1/audit?customer_id=c-1&limit=1")).json()["data"][0]
    assert found["operation"] == "POST /v1/cases/{case_id}/note"
    assert (found["customer_ids"], found["fields"]) == (["c-1"], ["text"])
