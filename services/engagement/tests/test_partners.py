"""Webhooks in: who may send, what is done once, what is parked and how it is mended."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import standardwebhooks
from sqlalchemy import text

from engagement_service.app import create
from engagement_service.testing import SECRET_KEY
from perennial_events import Envelope
from perennial_http import ServiceApp
from perennial_http.testing import served
from perennial_webhooks import new_secret
from perennial_webhooks.adapters import adapters
from perennial_webhooks.mapping import compile_mapping

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
REPORT = {
    "id": "b-1",
    "events": [{"message_id": "m-1", "event": "bounce", "at": "2026-03-02T11:00:00Z"}],
}


@pytest.fixture
async def hearing(settings: Any, clock: Any) -> ServiceApp:
    return create(settings.model_copy(update={"secret_key": SECRET_KEY}), clock)


@pytest.fixture
async def door(hearing: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    async with served(hearing) as client:
        yield client


SECRET = new_secret()


async def known(door: httpx.AsyncClient, name: str = "postman", **more: Any) -> dict[str, Any]:
    body = {"verification": {"scheme": "standard", "secret": SECRET}, "adapter": "mail", **more}
    if "mapping" in more:
        del body["adapter"]
    answer = await door.put(f"/v1/partners/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def send(
    door: httpx.AsyncClient,
    payload: Any,
    *,
    id: str = "msg-1",
    at: datetime = NOW,
    name: str = "postman",
    secret: str = SECRET,
) -> httpx.Response:
    """As another's library signs it."""
    body = payload if isinstance(payload, str) else json.dumps(payload)
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": standardwebhooks.Webhook(secret).sign(id, at, body),
        "Authorization": "",
    }
    return await door.post(f"/v1/partners/{name}/events", content=body, headers=headers)


async def told(app: ServiceApp, published: Any) -> Sequence[Envelope]:
    found = await published(app.runtime.database)
    return [each for each in found if "delivery_reported" in each.type]


async def test_what_a_provider_tells_is_published_once(
    door: httpx.AsyncClient, hearing: ServiceApp, published: Any
) -> None:
    await known(door)
    first = await send(door, {**REPORT, "id": None})
    again = await send(door, {**REPORT, "id": None})
    assert (first.status_code, first.json()["status"]) == (200, "applied")
    assert (again.status_code, again.json()["status"]) == (200, "duplicate")
    (event,) = await told(hearing, published)
    assert str(event.id) == first.headers["Perennial-Event"]
    assert json.loads(event.data) == {"message_id": "m-1", "partner": "postman", "kind": "bounced"}
    assert event.time == datetime(2026, 3, 2, 11, tzinfo=UTC)


async def test_twenty_at_once_take_effect_once(
    door: httpx.AsyncClient, hearing: ServiceApp, published: Any
) -> None:
    await known(door)
    answers = await asyncio.gather(*(send(door, REPORT) for _ in range(20)))
    assert sorted(each.json()["status"] for each in answers) == ["applied"] + ["duplicate"] * 19
    assert len(await told(hearing, published)) == 1


async def test_strangers_and_forgers_are_told_the_same(door: httpx.AsyncClient) -> None:
    await known(door)
    await known(door, "shop", adapter=None, verification={"scheme": "hmac", "secret": "hush-hush"})
    refused = [
        await send(door, REPORT, name="nobody"),
        await send(door, REPORT, secret=new_secret()),
        await send(door, REPORT, at=NOW - timedelta(minutes=6)),
        await send(door, REPORT, at=NOW + timedelta(minutes=6)),
        await send(door, REPORT, name="shop"),
        await door.post("/v1/partners/postman/events", json=REPORT),
    ]
    assert {each.status_code for each in refused} == {401}
    assert len({each.text for each in refused}) == 1
    assert len({each.headers["WWW-Authenticate"] for each in refused}) == 1


async def test_what_does_not_map_is_parked_and_replayed_once_it_is_mended(
    door: httpx.AsyncClient, hearing: ServiceApp, published: Any
) -> None:
    await known(door)
    odd = {
        "id": "b-2",
        "events": [{"message_id": "m-2", "event": "WANDERED OFF", "at": "2026-03-02T11:00:00Z"}],
    }
    answer = await send(door, odd)
    assert answer.status_code == 202
    assert "not among the known values" in answer.json()["reason"]
    assert (await send(door, odd)).json()["status"] == "duplicate"
    (parked,) = (await door.get("/v1/partners/postman/parked")).json()["data"]
    replay = f"/v1/partners/postman/parked/{parked['id']}/replay"
    assert (await door.post(replay)).status_code == 202

    step = {
        "command": "report_delivery",
        "each": "$.events[*]",
        "fields": {
            "message_id": "@.message_id",
            "kind": {"path": "@.event", "enum": {"WANDERED OFF": "bounced"}},
            "at": "@.at",
        },
    }
    await known(door, mapping={"id": "$.id", "on": {"*": [step]}})
    mended = await door.post(replay)
    assert (mended.status_code, mended.json()["status"]) == (200, "applied")
    assert (await door.post(replay)).status_code == 404
    assert [each.subject for each in await told(hearing, published)] == ["m-2"]


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "null",
        '{"events": [{"message_id": "a\\u0000b", "event": "bounce", "at": "2026-03-02T11:00:00Z"}]}',
        '{"events": [{"message_id": "\\ud800", "event": "bounce"}]}',
        '{"events": [{"message_id": "m", "event": "bounce", "at": 1e999}]}',
        '{"events": [{"message_id": "m", "event": "bounce", "at": NaN}]}',
        '{"events": [{"message_id": "m", "event": "bounce", "at": "0001-01-01T00:00:00+14:00"}]}',
        '{"events": [{"message_id": "m", "event": "bounce", "at": ' + "9" * 5_000 + "}]}",
        "[" * 500 + "]" * 500,
        '{"events": ' + "[" * 150 + "]" * 150 + "}",
        '{"events": [{"message_id": "m", "event": "bounce"}]}',
        '{"events": [{"message_id": "m", "event": "bounce", "at": "2026-03-02T11:00:00Z", "code": "\\u0000"}]}',
    ],
)
async def test_nonsense_of_a_known_partner_is_parked(door: httpx.AsyncClient, body: str) -> None:
    await known(door, adapter="mail")
    answer = await send(door, body)

    assert answer.status_code in (200, 202), answer.text


async def test_bytes_that_are_no_text_are_parked(door: httpx.AsyncClient) -> None:
    verification = {"scheme": "hmac", "secret": "hush-hush", "header": "X-Sig", "encoding": "hex"}
    await known(door, verification=verification)
    body = b"\xff\xfe\x00"
    signature = hmac.new(b"hush-hush", body, hashlib.sha256).hexdigest()
    answer = await door.post(
        "/v1/partners/postman/events", content=body, headers={"X-Sig": signature}
    )
    assert answer.status_code == 202
    again = await door.post(
        "/v1/partners/postman/events", content=body, headers={"X-Sig": signature}
    )
    assert again.json()["status"] == "duplicate"


async def test_a_body_over_the_limit_is_refused(door: httpx.AsyncClient) -> None:
    await known(door)
    answer = await send(door, {"a": "x" * 1_100_000})
    assert answer.status_code == 413


async def test_amazon_ses_by_its_documented_notifications(
    door: httpx.AsyncClient, hearing: ServiceApp, published: Any
) -> None:
    verification = {"scheme": "basic", "secret": "sns:a long password"}
    await known(door, "ses", adapter="amazon_ses", verification=verification)
    credentials = base64.b64encode(b"sns:a long password").decode()
    examples = compile_mapping(adapters()["amazon_ses"].mapping).examples
    statuses = []
    for example in examples:
        headers = {**example.get("headers", {}), "Authorization": f"Basic {credentials}"}
        headers["Content-Type"] = "text/plain; charset=UTF-8"
        answer = await door.post(
            "/v1/partners/ses/events", content=json.dumps(example["payload"]), headers=headers
        )
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 202]
    kinds = [json.loads(each.data)["kind"] for each in await told(hearing, published)]
    assert kinds == ["bounced", "complained", "delivered"]


async def test_a_partner_that_speaks_our_language(
    door: httpx.AsyncClient, hearing: ServiceApp, published: Any
) -> None:
    await known(door, adapter=None)
    report = {"message_id": "m-9", "kind": "opened", "at": "2026-03-02T11:00:00Z"}
    taken = await send(door, {"type": "report_delivery", "data": report})
    assert taken.json()["status"] == "applied"
    parked = await send(door, {"type": "report_delivery", "data": {**report, "x": 1}}, id="msg-2")
    assert "/x" in parked.json()["reason"]
    other = await send(door, {"type": "drop_tables", "data": {}}, id="msg-3")
    assert other.status_code == 202


async def test_a_rehearsal_shows_what_a_payload_would_do_and_does_nothing(
    door: httpx.AsyncClient, hearing: ServiceApp, published: Any
) -> None:
    await known(door)
    shown = (await door.post("/v1/partners/postman/test", json={"payload": REPORT})).json()
    assert shown["reason"] is None
    assert [each["command"] for each in shown["commands"]] == ["report_delivery"]
    assert shown["events"][0]["data"]["message_id"] == "m-1"
    bad = {"payload": {"events": [{"event": "?"}]}}
    assert (
        "known values" in (await door.post("/v1/partners/postman/test", json=bad)).json()["reason"]
    )
    assert not await told(hearing, published)
    assert (await send(door, REPORT)).json()["status"] == "applied"


async def test_a_partner_is_configuration_and_its_secret_is_sealed(
    door: httpx.AsyncClient, hearing: ServiceApp
) -> None:
    shown = await known(door)
    assert shown["verification"] == {
        "scheme": "standard",
        "header": None,
        "encoding": None,
        "prefix": None,
    }
    async with hearing.runtime.database.reading() as session:
        stored = (await session.execute(text("SELECT p::text, secret FROM partners AS p"))).one()
    assert SECRET not in stored[0]
    assert SECRET.encode() not in stored[1]
    assert [p["partner"] for p in (await door.get("/v1/partners")).json()["data"]] == ["postman"]
    assert (await door.delete("/v1/partners/postman")).status_code == 204
    assert (await send(door, REPORT)).status_code == 401


STANDARD = {"scheme": "standard", "secret": SECRET}


@pytest.mark.parametrize(
    "body",
    [
        {"adapter": "shopify", "verification": STANDARD},
        {"adapter": "mail", "mapping": {"on": {"*": []}}, "verification": STANDARD},
        {
            "mapping": {"on": {"*": [{"command": "place_order", "fields": {}}]}},
            "verification": STANDARD,
        },
        {
            "mapping": {"on": {"*": [{"command": "report_delivery", "fields": {"a": "$$"}}]}},
            "verification": STANDARD,
        },
        {"verification": {"scheme": "standard", "secret": "whsec_short"}},
        {"verification": {"scheme": "rot13", "secret": "12345678"}},
        {"verification": {"scheme": "hmac", "secret": "short"}},
        {},
    ],
)
async def test_bad_configuration_is_refused(door: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await door.put("/v1/partners/x", json=body)
    assert answer.status_code == 422, answer.text


async def test_ids_that_no_index_takes(door: httpx.AsyncClient) -> None:
    await known(door, "shop", verification={"scheme": "basic", "secret": "shop:password"})
    for id in ("a\0b", "x" * 5_000, "\x01"):
        for expected in ("applied", "duplicate"):
            answer = await door.post(
                "/v1/partners/shop/events", json={**REPORT, "id": id}, auth=("shop", "password")
            )
            assert answer.status_code == 200
            assert answer.json()["status"] == expected


async def test_where_the_id_is_signed_it_is_what_counts(door: httpx.AsyncClient) -> None:
    await known(door)
    for id, expected in (("msg-1", "applied"), ("msg-2", "applied"), ("msg-1", "duplicate")):
        assert (await send(door, REPORT, id=id)).json()["status"] == expected
