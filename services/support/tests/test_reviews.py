"""Reviews, through their doors."""

import json
from typing import Any

import httpx

from perennial_events import Event, Received, seal
from perennial_events.catalogue import CustomerErased, CustomersMerged, MergeUndone
from perennial_http import ServiceApp
from support_service.handlers import SUBSCRIPTIONS

WRITTEN = {
    "review_id": "v-1",
    "customer_id": "c-1",
    "order_id": "o-1",
    "sku": "mug",
    "rating": 4,
    "title": "Nearly",
    "text": "Ask for Maria, she packs well.",
    "channel": "web",
}


async def imported(client: httpx.AsyncClient, *lines: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await client.post(
        "/v1/reviews:import",
        content="\n".join(map(json.dumps, lines)),
        headers={"Content-Type": "application/x-ndjson"},
    )
    return [json.loads(row) for row in answer.text.splitlines()]


async def test_the_text_stays_and_the_rating_is_told(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    answer = await client.post("/v1/reviews", json=WRITTEN)
    assert answer.status_code == 201
    assert answer.json() == {**WRITTEN, "submitted_at": "2026-03-02T12:00:00Z"}
    read = await client.get(answer.headers["Location"])
    assert (read.json(), read.headers["ETag"]) == (answer.json(), answer.headers["ETag"])
    [event] = await published(app.runtime.database)
    assert (event.type, event.key) == ("perennial.complaints.review_submitted.v1", "c-1")
    assert json.loads(event.data) == {
        name: value for name, value in WRITTEN.items() if name not in {"title", "text"}
    }


async def test_an_id_is_taken_once_and_a_rating_is_one_of_five(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/reviews", json=WRITTEN)).status_code == 201
    assert (await client.post("/v1/reviews", json=WRITTEN)).status_code == 409
    for rating in (0, 6, 4.5, "4", None):
        refused = await client.post("/v1/reviews", json={**WRITTEN, "rating": rating})
        assert refused.status_code == 422
        assert refused.json()["errors"][0]["pointer"] == "/rating"
    assert (await client.get("/v1/reviews/nothing")).status_code == 404


async def test_reviews_are_listed_by_what_they_rate(client: httpx.AsyncClient, clock: Any) -> None:
    await client.post("/v1/reviews", json=WRITTEN)
    clock.turn(minutes=1)
    await client.post("/v1/reviews", json={"customer_id": "c-2", "rating": 1})

    async def found(query: str) -> list[str]:
        rows = (await client.get(f"/v1/reviews?{query}")).json()["data"]
        return [row["customer_id"] for row in rows]

    assert await found("limit=5") == ["c-2", "c-1"]
    assert await found("order_id=o-1") == await found("sku=mug") == await found("rating=4")
    assert await found("customer_id=c-2") == ["c-2"]
    assert await found("sku=rug") == []


async def test_past_reviews_come_in_once_and_say_that_they_are_past(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    past = {**WRITTEN, "submitted_at": "2025-05-01T10:00:00Z"}
    later = {**past, "review_id": "v-2", "submitted_at": "2027-05-01T10:00:00Z"}
    wrong = {**past, "review_id": "v-3", "rating": 9}
    answers = await imported(client, past, past, later, wrong)
    assert [row["id"] for row in answers[:2]] == ["v-2", "v-3"]
    assert answers[2] == {"created": 1, "unchanged": 1, "refused": 2}
    assert await imported(client, past) == [{"created": 0, "unchanged": 1, "refused": 0}]
    [event] = await published(app.runtime.database)
    assert event.imported
    assert event.time.isoformat() == "2025-05-01T10:00:00+00:00"


async def tell(app: ServiceApp, event: Event, clock: Any) -> None:
    async with app.runtime.database.transaction() as session:
        sealed = seal(event, source="/perennial/profile", time=clock())
        await SUBSCRIPTIONS.apply(session, [Received(event, sealed)])


async def test_reviews_follow_a_merge_and_its_undoing(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any
) -> None:
    merge: Any = {"merge_id": "m-1", "customer_id": "c-1", "into_id": "c-2"}
    written = await client.post("/v1/reviews", json=WRITTEN)
    for event, whose in ((CustomersMerged(**merge), "c-2"), (MergeUndone(**merge), "c-1")):
        await tell(app, event, clock)
        read = await client.get("/v1/reviews/v-1")
        assert read.json()["customer_id"] == whose
        assert (read.headers["ETag"] == written.headers["ETag"]) == (whose == "c-1")
        rows = (await client.get(f"/v1/reviews?customer_id={whose}")).json()["data"]
        assert [row["review_id"] for row in rows] == ["v-1"]


async def test_what_an_erased_customer_wrote_is_gone_and_nothing_new_is_taken(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any
) -> None:
    await client.post("/v1/reviews", json=WRITTEN)
    await tell(app, CustomerErased(customer_id="c-1", erasure_id="e", identities=["c-1"]), clock)
    read = (await client.get("/v1/reviews/v-1")).json()
    assert (read["title"], read["text"], read["rating"]) == (None, None, 4)
    refused = await client.post("/v1/reviews", json={**WRITTEN, "review_id": "v-2"})
    assert refused.status_code == 410
    past = {**WRITTEN, "review_id": "v-3", "submitted_at": "2025-05-01T10:00:00Z"}
    other = {**past, "review_id": "v-4", "customer_id": "c-9"}
    *_, count = await imported(client, past, other)
    assert (count["created"], count["refused"]) == (1, 1)
