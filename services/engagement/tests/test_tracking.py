"""Segment's calls through their door, and what the log then holds."""

import gzip
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from engagement_service.app import create
from engagement_service.settings import Settings
from perennial_http import ServiceApp, add_key, hash_token, new_token
from perennial_http.testing import ADMIN_KEY, served

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


async def test_two_keys_number_their_messages_alike(app: ServiceApp, told: Any) -> None:
    async with served(app) as client:
        for token in (await made_key(app, "clicks:write"), await made_key(app, "clicks:*")):
            answer = await client.post("/v1/track", json=track(messageId="1"), auth=(token, ""))
            assert answer.status_code == 200
    assert len({event.id for event in await told()}) == 2


async def test_the_clients_clock_is_put_right(client: httpx.AsyncClient, told: Any) -> None:
    slow = {"timestamp": "2020-01-01T00:00:00Z", "sentAt": "2020-01-01T01:00:00+00:00"}
    await client.post("/v1/track", json=track(**slow))
    whole = {"sentAt": "2030-01-01T00:00:10Z", "batch": [track(timestamp="2030-01-01T00:00:00Z")]}
    await client.post("/v1/batch", json=whole)
    assert [event.time.isoformat() for event in await told()] == [
        "2026-03-02T11:00:00+00:00",
        "2026-03-02T11:59:50+00:00",
    ]


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({"anonymousId": None}, "/userId"),
    "nobody, as Segment's SDKs put it": ({"anonymousId": "", "userId": ""}, "/userId"),
    "an e-mail address as id": ({"userId": "ann@example.com"}, "/userId"),
    "a long id": ({"anonymousId": "a" * 65}, "/anonymousId"),
    "an id with a newline": ({"userId": "c-1\n"}, "/userId"),
    "a number as id": ({"userId": 7}, "/userId"),
    "a long messageId": ({"messageId": "m" * 101}, "/messageId"),
    "no event": ({"event": None}, "/event"),
    "an empty event": ({"event": ""}, "/event"),
    "an event of signs": ({"event": "!!!"}, "/event"),
    "an event in other letters": ({"event": "商品"}, "/event"),
    "an event that is an address": ({"event": "ann@example.com wrote"}, "/event"),
    "an event that is a telephone number": ({"event": "called +49 170 1234567"}, "/event"),
    "a long event": ({"event": "e" * 65}, "/event"),
    "no time": ({"timestamp": "yesterday"}, "/timestamp"),
    "a time without a zone": ({"timestamp": "2026-03-01T12:00:00"}, "/timestamp"),
    "a time before computers": ({"timestamp": "1066-10-14T09:00:00Z"}, "/timestamp"),
    "a time to come": ({"timestamp": "2027-01-01T00:00:00Z"}, "/timestamp"),
    "a time out of bounds": (
        {"timestamp": "0001-01-01T00:00:00Z", "sentAt": "9999-12-31T23:59:59Z"},
        "/timestamp",
    ),
    "properties that are none": ({"properties": [1]}, "/properties"),
    "a context that is none": ({"context": "x"}, "/context"),
    "a NUL character": ({"properties": {"a": "x\0"}}, "/properties/a"),
}


@pytest.mark.parametrize("reason", REFUSED)
async def test_what_is_refused(client: httpx.AsyncClient, told: Any, reason: str) -> None:
    changes, pointer = REFUSED[reason]
    bad = track(**changes)
    alone = await client.post("/v1/track", json=bad)
    assert alone.status_code == 422
    assert alone.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in alone.json()["errors"]] == [pointer]

    among = await client.post("/v1/batch", json={"batch": [track(), bad, track()]})
    assert (among.status_code, among.json()["accepted"]) == (200, 2)
    (refused,) = among.json()["refused"]
    assert refused["index"] == 1
    assert [error["pointer"] for error in refused["errors"]] == [pointer]
    assert len(await told()) == 2


@pytest.mark.parametrize("item", [7, None, [], {}, {"type": "crash", "userId": "c"}, track(type=1)])
async def test_an_item_that_is_no_call(client: httpx.AsyncClient, item: Any) -> None:
    answer = await client.post("/v1/batch", json={"batch": [item, track()]})
    assert answer.json()["accepted"] == 1
    assert [refused["index"] for refused in answer.json()["refused"]] == [0]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"[]", 422),
        (b"{}", 422),
        (b'{"batch": {}}', 422),
        (b'{"batch": [], "sentAt": "never"}', 422),
        (b'{"batch": [NaN]}', 422),
        (b'{"batch": [{"type": "page", "userId": "\\ud800"}]}', 422),
        (b'{"batch": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", 422),
        (b'{"batch": []}', 200),
        (b'{"batch": [' + b"1," * 2_500 + b"1]}", 400),
        (b" " * (500 * 1024 + 1), 400),
        (b" " * 2_000_000, 400),
    ],
)
async def test_a_batch_that_is_none(client: httpx.AsyncClient, body: bytes, status: int) -> None:
    answer = await client.post(
        "/v1/batch", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "large",
    [
        track(properties={"blob": "x" * 32_768}),
        track(context={"device": {"type": "x" * 17_000, "id": "x" * 17_000}}),
    ],
)
async def test_a_call_over_its_limit(
    client: httpx.AsyncClient, told: Any, large: dict[str, Any]
) -> None:
    alone = await client.post("/v1/track", json=large)
    assert alone.status_code == 400
    assert "32768" in alone.json()["detail"]
    among = await client.post("/v1/batch", json={"batch": [track(), large, *[track()] * 400]})
    assert (among.json()["accepted"], len(await told())) == (401, 401)
    assert [refused["index"] for refused in among.json()["refused"]] == [1]


async def test_a_long_batch_of_small_calls(client: httpx.AsyncClient, told: Any) -> None:
    calls = [track(context={"device": {"type": "ios"}}, messageId=str(n)) for n in range(2_500)]
    answer = await client.post("/v1/batch", json={"batch": calls})
    assert answer.json() == {"accepted": 2_500, "refused": []}
    assert len(await told()) == 2_500


async def made_key(app: ServiceApp, scope: str) -> str:
    token = new_token("live")
    async with app.runtime.database.transaction() as session:
        await add_key(
            session,
            key_id=token[:20],
            key_hash=hash_token(token),
            scopes=[scope],
            at=app.state.clock(),
        )
    await app.runtime.keys.refresh()
    return token


async def test_three_ways_to_show_the_key(app: ServiceApp, client: httpx.AsyncClient) -> None:
    token = await made_key(app, "clicks:write")
    del client.headers["Authorization"]
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        await client.post("/v1/track", json=track(), headers=bearer),
        await client.post("/v1/track", json=track(), auth=(token, "")),
        await client.post("/v1/track", json=track(writeKey=token)),
        await client.post("/v1/batch", json={"batch": [track()], "writeKey": token}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4


async def test_keys_that_do_not_open(app: ServiceApp, client: httpx.AsyncClient) -> None:
    reader = await made_key(app, "profile:read")
    del client.headers["Authorization"]
    unknown = [
        await client.post("/v1/track", json=track()),
        await client.post("/v1/track", content=b"{"),
        await client.post("/v1/track", json=track(), auth=("unknown", "")),
        await client.post("/v1/track", json=track(), auth=(ADMIN_KEY, "password")),
        await client.post("/v1/track", json=track(writeKey="unknown")),
        await client.post("/v1/track", json=track(writeKey=7)),
    ]
    assert [(a.status_code, "Basic" in a.headers["WWW-Authenticate"]) for a in unknown[:1]] == [
        (401, True)
    ]
    assert {answer.status_code for answer in unknown} <= {401, 415}
    for lacking in (
        await client.post("/v1/batch", json={"batch": [track()]}, auth=(reader, "")),
        await client.post("/v1/batch", json={"batch": [track()], "writeKey": reader}),
    ):
        assert (lacking.status_code, lacking.json()["required_scope"]) == (403, "clicks:write")


async def test_packed_bodies(client: httpx.AsyncClient, told: Any) -> None:
    async def send(content: bytes) -> int:
        headers = {"Content-Type": "text/plain; charset=UTF-8", "Content-Encoding": "gzip"}
        return (await client.post("/v1/track", content=content, headers=headers)).status_code

    packed = gzip.compress(json.dumps(track()).encode())
    assert await send(packed) == 200
    assert await send(packed[:-4]) == 400
    assert await send(b"no gzip") == 400
    assert await send(gzip.compress(b" " * 10_000_000)) == 400
    assert len(await told()) == 1


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


async def test_while_the_log_is_away_nothing_is_accepted(settings: Settings, clock: Any) -> None:
    nowhere = "postgresql+asyncpg://nobody@127.0.0.1:1/log"
    async with served(create(settings.model_copy(update={"log": nowhere}), clock)) as client:
        for answer in (
            await client.post("/v1/track", json=track()),
            await client.post("/v1/batch", json={"batch": [track()]}),
        ):
            assert answer.status_code == 503
            assert answer.headers["content-type"] == "application/problem+json"
            assert int(answer.headers["Retry-After"]) >= 1
            assert "Perennial-Event" not in answer.headers


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
