"""Hostile paths, queries and headers, on every route that takes them: a clear 4xx, and never a 5xx."""

import base64
import re
import time
from uuid import uuid4

import httpx
import pytest

from perennial_http.testing import ADMIN_KEY, exchange
from tests.contract.conftest import Door, OpenDoor
from tests.contract.doors import OPERATIONS, Operation
from tests.contract.problems import is_problem

Headers = list[tuple[bytes, bytes]]


def having(where: str, name: str | None = None) -> pytest.MarkDecorator:
    """Every operation that takes this parameter, or any in this place."""
    found = [
        each
        for each in OPERATIONS
        if not each.streams and (name in each.parameters(where) if name else each.parameters(where))
    ]
    assert found, f"nothing takes {name} in its {where}"
    return pytest.mark.parametrize("operation", found, ids=map(str, found))


async def ask(
    door: Door,
    operation: Operation,
    *,
    target: bytes | None = None,
    query: bytes = b"",
    headers: Headers | None = None,
    drop: tuple[str, ...] = (),
) -> httpx.Response:
    """Send the operation's smallest request, with raw parts of it in place of good ones."""
    path = operation.target().encode() if target is None else target
    url = door.client.base_url.copy_with(raw_path=path + (b"?" + query if query else b""))
    request = door.client.build_request(
        operation.method.upper(), url, json=operation.smallest_body if operation.body else None
    )
    for name in {*drop, *(name.decode() for name, _ in headers or ())}:
        request.headers.pop(name, None)
    request.headers = httpx.Headers([*request.headers.raw, *(headers or ())])
    return await door.client.send(request)


HOSTILE_IDS = {
    "NUL": b"a%00b",
    "no UTF-8": b"%ff%fe",
    "a surrogate": b"%ed%a0%80",
    "overlong UTF-8": b"%c0%af",
    "a broken escape": b"a%2",
    "a line break": b"a%0d%0aX-Injected:%201",
    "a trailing line break": b"a%0a",
    "a slash": b"..%2f..%2fetc%2fpasswd",
    "a space": b"a%20b",
    "an emoji": "🦊".encode().hex(" ").replace(" ", "%").encode(),
    "right-to-left": b"%e2%80%aeabc",
    "SQL": b"'%20OR%201=1--",
    "65 characters": b"a" * 65,
    "10,000 characters": b"a" * 10_000,
}


@having("path")
async def test_hostile_ids_in_paths_are_refused(operation: Operation, open_door: OpenDoor) -> None:
    door = await open_door(operation.service)
    wrong = {}
    for name, id in HOSTILE_IDS.items():
        target = id.join(re.split(rb"\{\w+\}", operation.path.encode()))
        if found := is_problem(await ask(door, operation, target=target)):
            wrong[name] = found
    assert not wrong


HOSTILE_QUERIES = {
    "an unknown parameter": b"unheard_of=1",
    "NUL": b"limit=%00",
    "no UTF-8": b"cursor=%ff",
    "limit 0": b"limit=0",
    "a negative limit": b"limit=-1",
    "a limit beyond all": b"limit=99999999999999999999",
    "a limit of many digits": b"limit=" + b"9" * 5_000,
    "a limit in words": b"limit=many",
    "a limit that is NaN": b"limit=nan",
    "limit 1e2": b"limit=1e2",
    "a broken escape": b"limit=%",
}


@having("query", "limit")
async def test_hostile_queries_are_refused(operation: Operation, open_door: OpenDoor) -> None:
    door = await open_door(operation.service)
    wrong = {}
    for name, query in HOSTILE_QUERIES.items():
        if found := is_problem(await ask(door, operation, query=query)):
            wrong[name] = found
    assert not wrong


def cursor(json: bytes) -> bytes:
    return base64.urlsafe_b64encode(json).rstrip(b"=")


HOSTILE_CURSORS = {
    "words": b"next",
    "no base64": b"%21%21%21",
    "JSON of another shape": cursor(b'{"a": 1}'),
    "too short": cursor(b"[]"),
    "too long": cursor(b"[1, 2, 3, 4, 5, 6]"),
    "of wrong types": cursor(b"[[], {}]"),
    "NUL inside": cursor(b'["2026-03-02T12:00:00Z", "a\\u0000"]'),
    "NaN inside": cursor(b'[NaN, "a"]'),
    "a time outside of all": cursor(b'["99999-01-01T00:00:00Z", "a"]'),
    "a number of many digits": cursor(b"[" + b"9" * 400 + b', "a"]'),
    "nested deeply": cursor(b"[" * 300 + b"]" * 300),
    "empty": b"",
    "3,000 characters": b"a" * 3_000,
}


@having("query", "cursor")
async def test_cursors_that_no_page_gave_are_refused(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    wrong = {}
    for name, value in HOSTILE_CURSORS.items():
        if found := is_problem(await ask(door, operation, query=b"cursor=" + value)):
            wrong[name] = found
    assert not wrong


@having("header", "Idempotency-Key")
async def test_malformed_idempotency_keys_are_refused(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    name = b"Idempotency-Key"
    for headers in (
        [(name, b"")],
        [(name, b"k" * 256)],
        [(name, b"\xc3\xa9")],
        [(name, b"a\tb")],
        [(name, b"one"), (name, b"two")],
    ):
        answer = await ask(door, operation, headers=headers)
        assert is_problem(answer) is None, headers
        assert answer.status_code == 422


@having("header", "If-Match")
async def test_an_if_match_that_names_nothing_changes_nothing(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    for value in (b"", b"x", b'"', b'"a", W/"b"', b"\xff", b"," * 5_000):
        answer = await ask(door, operation, headers=[(b"If-Match", value)])
        assert is_problem(answer) is None, value
        assert answer.status_code in (404, 412, 422), value


@having("header", "perennial-after")
async def test_malformed_events_are_not_waited_for(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    started = time.monotonic()
    for value in (b"", b"x", b"0" * 31, b"\xff", b"a" * 10_000, b"{" * 40):
        answer = await ask(door, operation, headers=[(b"Perennial-After", value)])
        assert is_problem(answer) is None, value
        assert answer.status_code == 422, value
    assert time.monotonic() - started < 2


@having("header", "perennial-after")
async def test_an_event_that_never_comes_is_told_of(
    operation: Operation, open_door: OpenDoor
) -> None:
    """The one 5xx that is promised: the answer would be older than what the caller has seen."""
    door = await open_door(operation.service)
    answer = await ask(door, operation, headers=[(b"Perennial-After", str(uuid4()).encode())])
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["content-type"] == "application/problem+json"


# Keys

EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=map(str, OPERATIONS))

NO_KEYS: dict[str, Headers] = {
    "no header": [],
    "an empty one": [(b"Authorization", b"")],
    "no credentials": [(b"Authorization", b"Bearer")],
    "another scheme": [(b"Authorization", b"Digest " + ADMIN_KEY.encode())],
    "no scheme": [(b"Authorization", ADMIN_KEY.encode())],
    "a key that is none": [(b"Authorization", b"Bearer pk_admin_" + b"x" * 43)],
    "the start of one": [(b"Authorization", b"Bearer " + ADMIN_KEY[:-1].encode())],
    "more than one": [(b"Authorization", b"Bearer " + ADMIN_KEY.encode() + b"x")],
    "bytes": [(b"Authorization", b"Bearer \xff\xfe\x80")],
    "10,000 characters": [(b"Authorization", b"Bearer " + b"a" * 10_000)],
    "Basic, no base64": [(b"Authorization", b"Basic !!!")],
    "Basic, with a password": [
        (b"Authorization", b"Basic " + base64.b64encode(ADMIN_KEY.encode() + b":secret"))
    ],
}


@EVERY
async def test_without_a_key_it_is_401(operation: Operation, open_door: OpenDoor) -> None:
    door = await open_door(operation.service)
    for name, headers in NO_KEYS.items():
        answer = await ask(door, operation, headers=headers, drop=("Authorization",))
        assert is_problem(answer) is None, name
        assert answer.status_code == 401, name
        # Partners sign instead: see the tests of services' partners.
        scheme = "Webhook" if operation.signed else "Bearer"
        assert answer.headers["WWW-Authenticate"].startswith(scheme)


KEYED = [each for each in OPERATIONS if not each.signed]


@pytest.mark.parametrize("operation", KEYED, ids=map(str, KEYED))
async def test_a_key_needs_the_scope_and_no_more(operation: Operation, open_door: OpenDoor) -> None:
    door = await open_door(operation.service)
    (scope,) = set(operation.scopes)
    area, _, right = scope.partition(":")
    other = "read" if right == "write" else "write"
    for token in (await door.key(f"{area}:{other}"), await door.key("other:*", f"{area}x:{right}")):
        answer = await ask(door, operation, headers=[bearer(token)])
        assert is_problem(answer) is None
        assert answer.status_code == 403
        assert scope in answer.json()["detail"]
    answer = await ask(door, operation, headers=[bearer(await door.key(scope))])
    assert answer.status_code not in (401, 403)
    assert answer.status_code < 500


def bearer(token: str) -> tuple[bytes, bytes]:
    return b"Authorization", f"Bearer {token}".encode()


# What is no HTTP, or hardly

RAW = {
    "bytes in the path": b"GET /v1/\xc3\xa9 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "bytes in the query": b"GET /v1/x?\xff=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "a header without end": b"GET /v1/x HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000,
    "ten thousand headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n",
    "a header with NUL": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "a negative length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a length and chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ),
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "another method": b"BREW /v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("service", sorted({each.service for each in OPERATIONS}))
async def test_what_is_hardly_http_harms_nobody(service: str, open_door: OpenDoor) -> None:
    door = await open_door(service)
    for name, sent in RAW.items():
        answer = await exchange(door.client, sent, within=1.0)
        assert not answer or answer.startswith(b"HTTP/1.1 4"), (name, answer[:200])
        assert (await door.client.get("/health/live")).status_code == 200, name
