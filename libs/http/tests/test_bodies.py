"""What a body may hold: every odd one gets a clear 4xx, at the place where it is wrong."""

from typing import Any

import httpx
import pytest
from pydantic import TypeAdapter

from perennial_http import Body, FreeForm
from perennial_http.bodies import JsonReader
from perennial_http.problems import Problem

JSON = {"content-type": "application/json"}
VALID = b'{"customer_id":"c-1"}'

SYNTAX = {
    "nan": b'{"customer_id":"c","weight":NaN}',
    "nan in free form": b'{"customer_id":"c","attributes":{"x":NaN}}',
    "infinity": b'{"customer_id":"c","attributes":{"x":-Infinity}}',
    "lone high surrogate": b'{"customer_id":"c","text":"\\ud800"}',
    "lone low surrogate": b'{"customer_id":"c","text":"\\udc00x"}',
    "bad utf-8": b'{"customer_id":"c","text":"\xff\xfe"}',
    "utf-8 of a surrogate": b'{"customer_id":"c","text":"\xed\xa0\x80"}',
    "raw control character": b'{"customer_id":"c","text":"a\x00b"}',
    "deep lists": b'{"customer_id":"c","attributes":{"x":'
    + b"[" * 100_000
    + b"]" * 100_000
    + b"}}",
    "deep objects": b'{"x":' * 100_000 + b"1" + b"}" * 100_000,
    "unfinished": b'{"customer_id":',
    "two documents": VALID + VALID,
    "byte order mark": b"\xef\xbb\xbf" + VALID,
    "utf-16": '{"customer_id":"c"}'.encode("utf-16"),
    "empty": b"",
    "blank": b"   ",
}


@pytest.mark.parametrize("body", SYNTAX.values(), ids=SYNTAX.keys())
async def test_what_is_no_json_is_refused(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/v1/echo", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"][0]["detail"]


WRONG = {
    "escaped nul": ('{"customer_id":"c","text":"a\\u0000b"}', "/text"),
    "escaped nul after backslash": ('{"customer_id":"c","text":"\\\\\\u0000"}', "/text"),
    "nul deep inside": (
        '{"customer_id":"c","attributes":{"a":[{"b":"\\u0000"}]}}',
        "/attributes/a/0/b",
    ),
    "nul in a key": ('{"customer_id":"c","attributes":{"\\u0000":1}}', "/attributes"),
    "infinite number": ('{"customer_id":"c","attributes":{"x":1e999}}', "/attributes"),
    "infinite float": ('{"customer_id":"c","weight":1e999}', "/weight"),
    "free form too deep": (
        '{"customer_id":"c","attributes":{"x":' + "[" * 40 + "]" * 40 + "}}",
        "/attributes",
    ),
    "unknown field": ('{"customer_id":"c","nope":1}', "/nope"),
    "unknown field with slashes": ('{"customer_id":"c","a/b~c":1}', "/a~1b~0c"),
    "unknown field inside": (
        '{"customer_id":"c","lines":[{"sku":"s","quantity":1,"x":1}]}',
        "/lines/0/x",
    ),
    "missing": ("{}", "/customer_id"),
    "missing inside": ('{"customer_id":"c","lines":[{"sku":"s"}]}', "/lines/0/quantity"),
    "out of range": ('{"customer_id":"c","lines":[{"sku":"s","quantity":0}]}', "/lines/0/quantity"),
    "number as text": ('{"customer_id":"c","number":"1"}', "/number"),
    "boolean as number": ('{"customer_id":"c","number":true}', "/number"),
    "fraction as integer": ('{"customer_id":"c","number":1.5}', "/number"),
    "text as number": ('{"customer_id":5}', "/customer_id"),
    "id with newline": ('{"customer_id":"c\\n"}', "/customer_id"),
    "long id": (f'{{"customer_id":"{"c" * 65}"}}', "/customer_id"),
    "negative money": (
        '{"customer_id":"c","price":{"amount":-1,"currency":"EUR"}}',
        "/price/amount",
    ),
    "money as fraction": (
        '{"customer_id":"c","price":{"amount":1.0,"currency":"EUR"}}',
        "/price/amount",
    ),
    "money too large": (
        f'{{"customer_id":"c","price":{{"amount":{10**30},"currency":"EUR"}}}}',
        "/price/amount",
    ),
    "no such currency": (
        '{"customer_id":"c","price":{"amount":1,"currency":"XXX"}}',
        "/price/currency",
    ),
    "small currency": (
        '{"customer_id":"c","price":{"amount":1,"currency":"eur"}}',
        "/price/currency",
    ),
    "time without zone": ('{"customer_id":"c","at":"2026-01-01T00:00:00"}', "/at"),
    "time as number": ('{"customer_id":"c","at":1700000000}', "/at"),
    "time as number in text": ('{"customer_id":"c","at":"1700000000"}', "/at"),
    "time before year 1": ('{"customer_id":"c","at":"0001-01-01T00:00:00+14:00"}', "/at"),
    "time after year 9999": ('{"customer_id":"c","at":"9999-12-31T23:59:59-12:00"}', "/at"),
    "no such day": ('{"customer_id":"c","at":"2026-02-30T00:00:00Z"}', "/at"),
    "zone as path": ('{"customer_id":"c","zone":"../../etc/passwd"}', "/zone"),
    "list": ("[]", ""),
    "null": ("null", ""),
    "text": ('"x"', ""),
}


@pytest.mark.parametrize(("body", "pointer"), WRONG.values(), ids=WRONG.keys())
async def test_a_wrong_field_is_pointed_at(
    client: httpx.AsyncClient, body: str, pointer: str
) -> None:
    answer = await client.post("/v1/echo", content=body.encode(), headers=JSON)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_text_about_nul_is_no_nul(client: httpx.AsyncClient) -> None:
    body = rb'{"customer_id":"c","text":"write \\u0000, or NaN, or Infinity"}'
    assert (await client.post("/v1/echo", content=body, headers=JSON)).status_code == 200


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**300])
async def test_a_number_that_no_column_holds(client: httpx.AsyncClient, number: int) -> None:
    answer = await client.post("/v1/cases", json={"customer_id": "c", "number": number})
    assert answer.status_code == 422


async def test_a_number_that_only_the_server_refuses(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/cases", json={"customer_id": "c", "fail": "nul"})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""]
)
async def test_another_media_type_is_refused(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post("/v1/echo", content=VALID, headers={"content-type": media_type})
    assert answer.status_code == 415
    assert answer.headers["accept"] == "application/json"


@pytest.mark.parametrize(
    "media_type",
    ["application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"],
)
async def test_json_by_any_name_is_taken(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post("/v1/echo", content=VALID, headers={"content-type": media_type})
    assert answer.status_code == 200


async def test_a_body_over_the_limit(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/echo", content=b" " * 10_000_000, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["limit"] == 1_000_000


async def test_a_streamed_body_over_the_limit(client: httpx.AsyncClient) -> None:
    async def body() -> Any:
        for _ in range(100):
            yield b" " * 100_000

    answer = await client.post("/v1/echo", content=body(), headers=JSON)
    assert answer.status_code == 413


async def test_a_route_may_have_its_own_limit(client: httpx.AsyncClient) -> None:
    assert (await client.post("/v1/small", content=VALID, headers=JSON)).status_code == 200
    assert (
        await client.post("/v1/small", content=VALID + b" " * 100, headers=JSON)
    ).status_code == 413


def test_a_union_points_at_what_the_caller_wrote() -> None:
    class A(Body):
        a: int

    class B(Body):
        b: FreeForm

    with pytest.raises(Problem) as refused:
        JsonReader(TypeAdapter(dict[str, list[A | B]])).read(b'{"x":[{"a":"1"}]}')
    assert {
        "pointer": "/x/0/a",
        "detail": "Input should be a valid integer",
    } in refused.value.errors
    assert all(error["pointer"].startswith("/x/0/") for error in refused.value.errors)
