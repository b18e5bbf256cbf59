"""Segment's calls through their door, and what the log then holds."""

import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from engagement_service.settings import Settings
from perennial_http import ServiceApp
from perennial_http.testing import served

NOW = "2026-03-02T12:00:00Z"


def track(**changes: Any) -> dict[str, Any]:
    call = {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": "a-1",
        "properties": {"sku": "mug", "price": 19.99},
    }
    return {**call, **changes}


# The example bodies of Segment's HTTP API documentation; ids and names are theirs where ours allow it.
EXAMPLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "identify": (
        {
            "userId": "019mr8mf4r",
            "traits": {
                "email": "pgibbons@example.com",
                "name": "Peter Gibbons",
                "industry": "Tech",
            },
            "context": {"ip": "24.5.68.47"},
            "integrations": {"All": False, "Mixpanel": True, "Salesforce": True},
            "timestamp": "2012-12-02T00:30:08.276Z",
        },
        {"name": "identified", "customer_id": "019mr8mf4r", "properties": {}},
    ),
    "track": (
        {
            "userId": "019mr8mf4r",
            "event": "Item Purchased",
            "properties": {"name": "Leap to Conclusions", "revenue": 14.99},
            "context": {"ip": "24.5.68.47"},
            "timestamp": "2012-12-02T00:30:12.984Z",
        },
        {
            "name": "item_purchased",
            "customer_id": "019mr8mf4r",
            "properties": {"revenue": 14.99},
        },
    ),
    "page": (
        {
            "userId": "019mr8mf4r",
            "name": "Tracking",
            "properties": {"url": "https://segment.com/docs/api?x=1", "title": "API"},
            "timestamp": "2012-12-02T00:31:29.738Z",
        },
        {
            "name": "page_viewed",
            "customer_id": "019mr8mf4r",
            "properties": {"page": "Tracking", "url": "/docs/api"},
        },
    ),
    "screen": (
        {
            "userId": "019mr8mf4r",
            "name": "Home",
            "properties": {"backgroundColor": "Pea-green"},
        },
        {
            "name": "screen_viewed",
            "customer_id": "019mr8mf4r",
            "properties": {"screen": "Home", "backgroundColor": "Pea-green"},
        },
    ),
    "group": (
        {
            "userId": "019mr8mf4r",
            "groupId": "0e8c78ea9d97a7b8185e8632",
            "traits": {"name": "Initech", "employees": 329},
        },
        {
            "name": "grouped",
            "customer_id": "019mr8mf4r",
            "properties": {"group_id": "0e8c78ea9d97a7b8185e8632"},
        },
    ),
    "alias": (
        {"previousId": "39239-239239-239239", "userId": "019mr8mf4r"},
        {
            "name": "identified",
            "anonymous_id": "39239-239239-239239",
            "customer_id": "019mr8mf4r",
            "properties": {},
        },
    ),
}


@pytest.mark.parametrize("call", EXAMPLES)
async def test_the_documented_example(client: httpx.AsyncClient, told: Any, call: str) -> None:
    body, data = EXAMPLES[call]
    answer = await client.post(f"/v1/{call}", json=body)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    first, *_ = events = await told()
    assert json.loads(first.data) == data
    assert first.type == "perennial.clicks.clicked.v1"
    assert (first.key, first.subject) == ("019mr8mf4r", "019mr8mf4r")
    assert first.time.isoformat() == body.get("timestamp", NOW).replace("Z", "+00:00").replace(
        ".276", ".276000"
    ).replace(".984", ".984000").replace(".738", ".738000")
    assert answer.headers["Perennial-Event"] == str(events[-1].id)


async def test_the_documented_batch(client: httpx.AsyncClient, told: Any) -> None:
    calls = [{**body, "type": call} for call, (body, _) in EXAMPLES.items()]
    answer = await client.post("/v1/batch", json={"batch": calls, "context": {"device": {"x": 1}}})

    assert answer.json() == {"accepted": 6, "refused": []}
    events = await told()
    assert [json.loads(e.data)["name"] for e in events[:6]] == [
        data["name"] for _, data in EXAMPLES.values()
    ]
    assert [e.type for e in events[6:]] == ["perennial.engagement.visitor_identified.v1"]


@pytest.mark.parametrize("ids", [{"userId": "c-1", "anonymousId": "a-1"}])
async def test_only_identify_and_alias_stitch(
    client: httpx.AsyncClient, told: Any, ids: dict[str, str]
) -> None:
    await client.post("/v1/track", json=track(**ids))
    assert len(await told()) == 1
    await client.post("/v1/identify", json=ids)
    *_, stitched = await told()
    assert stitched.type == "perennial.engagement.visitor_identified.v1"
    assert json.loads(stitched.data) == {"customer_id": "c-1", "anonymous_id": "a-1"}


async def test_a_retried_message_is_the_same_event(client: httpx.AsyncClient, told: Any) -> None:
    call = {"messageId": "m-1", "userId": "c-1", "anonymousId": "a-1"}
    first = await client.post("/v1/identify", json=call)
    again = await client.post("/v1/batch", json={"batch": [{**call, "type": "identify"}]})

    assert first.headers["Perennial-Event"] == again.headers["Perennial-Event"]
    assert len({event.id for event in await told()}) == 2
    await client.post("/v1/track", json=track())
    await client.post("/v1/track", json=track())
    assert len({event.id for event in await told()}) == 4


async def test_the_clients_clock_is_put_right(client: httpx.AsyncClient, told: Any) -> None:
    slow = {"timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T01:00:00+00:00"}
    await client.post("/v1/track", json=track(**slow))
    whole = {"sentAt": "2030-01-01T00:00:10Z", "batch": [track(timestamp="2030-01-01T00:00:00Z")]}
    await client.post("/v1/batch", json=whole)
    assert [event.time.isoformat() for event in await told()] == [
        "2026-03-02T11:00:00+00:00",
        "2026-03-02T11:59:50+00:00",
    ]


async def test_campaign_session_and_sku(client: httpx.AsyncClient, told: Any) -> None:
    context = {
        "sessionId": "s-1",
        "campaign": {"name": "Spring Sale", "source": "newsletter", "term": "for ann@example.com"},
        "page": {"url": "https://shop.example/p/mug?utm_source=x&utm_medium=cpc&ref=ann&gclid=1"},
    }
    properties = {
        "products": [{"product_id": 123, "name": "Mug"}, {"sku": "tea"}],
        "order_id": "o-1234567",
    }
    await client.post(
        "/v1/track",
        json=track(event="Order Completed", context=context, properties=properties),
    )
    (event,) = await told()
    assert json.loads(event.data) == {
        "name": "order_completed",
        "anonymous_id": "a-1",
        "session_id": "s-1",
        "sku": "123",
        "properties": {
            "utm_campaign": "Spring_Sale",
            "utm_source": "newsletter",
            "utm_medium": "cpc",
            "ref": "ann",
            "products": 2,
            "order_id": "o-1234567",
        },
    }


async def test_the_log_is_let_go_of_at_the_end(
    settings: Settings, app: ServiceApp, platform_log: Any, make_database: Any
) -> None:
    async with served(app) as client:
        assert (await client.post("/v1/track", json=track())).status_code == 200
    async with app.runtime.database.reading() as session:
        connected = await session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE application_name = 'perennial-log' AND datname = :log"
            ),
            {"log": settings.log.rpartition("/")[2].partition("?")[0]},
        )
    await app.runtime.database.close()
    assert connected == 0


async def test_openapi_describes_the_calls(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]
    schema = paths["/v1/track"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["event"]
    assert paths["/v1/batch"]["post"]["security"] == [
        {"ApiKey": ["clicks:write"]},
        {"ApiKeyAsUser": ["clicks:write"]},
    ]
