"""What tracking refuses: alone where it can, whole where it must."""

import gzip
import json
from typing import Any

import httpx
import pytest

from engagement_service.app import create
from engagement_service.settings import Settings
from perennial_http.testing import served


def track(**changes: Any) -> dict[str, Any]:
    call = {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": "a-1",
        "properties": {"sku": "mug", "price": 19.99},
    }
    return {**call, **changes}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "nobody": ({"anonymousId": None}, "/userId"),
    "an empty user": ({"userId": ""}, "/userId"),
    "an empty visitor": ({"anonymousId": "", "userId": "c-1"}, "/anonymousId"),
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
        (b'{"batch": [], "more": "' + b"x" * 40_000 + b'"}', 200),
        (b'{"batch": [' + b"1," * 2_500 + b"1]}", 400),
        (b" " * (500 * 1024 + 1), 400),
        (b" " * 2_000_000, 400),
    ],
    # Of the bodies themselves ids would be made that no environment variable holds.
    ids=lambda value: f"{len(value)} bytes" if isinstance(value, bytes) else str(value),
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
