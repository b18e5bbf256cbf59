"""Bytes on the wire that no HTTP library would send."""

import asyncio
import time

import httpx
import pytest

from perennial_http.testing import ADMIN_KEY, exchange

AUTHORIZATION = f"Authorization: Bearer {ADMIN_KEY}\r\n".encode()


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    sent = b"".join(header + b"\r\n" for header in headers)
    return (
        line
        + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        + AUTHORIZATION
        + sent
        + b"\r\n"
        + body
    )


def status_of(answer: bytes) -> int:
    assert answer, "no answer at all"
    return int(answer.split(b" ", 2)[1])


TARGETS = {
    "nul in path": b"/v1/cases/a%00b",
    "bad utf-8 in path": b"/v1/cases/%ff",
    "surrogate in path": b"/v1/cases/%ed%a0%80",
    "overlong utf-8 in path": b"/v1/cases/%c0%80",
    "bad escape in path": b"/v1/cases/%zz",
    "cut escape in path": b"/v1/cases/%f",
    "raw bytes in path": b"/v1/cases/\xff",
    "nul in query": b"/v1/cases?customer_id=%00",
    "bad utf-8 in query": b"/v1/cases?customer_id=%ff%fe",
    "bad escape in query": b"/v1/cases?customer_id=100%",
    "raw bytes in query": b"/v1/cases?customer_id=\xc3\x28",
    "nul byte in target": b"/v1/ca\x00ses",
    "no target": b"x",
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS.keys())
async def test_an_odd_target(client: httpx.AsyncClient, target: bytes) -> None:
    assert 400 <= status_of(await exchange(client, request(b"GET " + target))) < 500


async def test_the_refusal_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await exchange(client, request(b"GET /v1/cases/a%00b"))
    assert status_of(answer) == 400
    assert b"application/problem+json" in answer


async def test_a_properly_encoded_name_is_only_unknown(client: httpx.AsyncClient) -> None:
    answer = await exchange(client, request(b"GET /v1/nowhere/%C3%A9"))
    assert status_of(answer) == 404


HEADERS = {
    "latin-1 in key": b"Idempotency-Key: \xe9",
    "control character in key": b"Idempotency-Key: a\x01b",
    "nul in key": b"Idempotency-Key: a\x00b",
    "empty key": b"Idempotency-Key:",
    "long key": b"Idempotency-Key: " + b"k" * 256,
    "two keys": b"Idempotency-Key: a\r\nIdempotency-Key: b",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
async def test_an_odd_header(client: httpx.AsyncClient, header: bytes) -> None:
    body = b'{"customer_id":"c"}'
    sent = request(
        b"POST /v1/cases",
        header,
        b"Content-Type: application/json",
        b"Content-Length: %d" % len(body),
        body=body,
    )
    assert status_of(await exchange(client, sent)) in (400, 422)


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer \xff\xfe",
        b"Bearer",
        b"Basic !!!",
        b"\x80",
        b"Bearer " + b"x" * 60_000,
        b"Digest a=b",
    ],
)
async def test_a_hostile_authorization(client: httpx.AsyncClient, value: bytes) -> None:
    for path in (b"/v1/cases", b"/v1/whoami"):
        sent = (
            b"GET "
            + path
            + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: "
            + value
            + b"\r\n\r\n"
        )
        assert status_of(await exchange(client, sent)) == 401


async def test_a_chunked_body_over_the_limit_is_not_read_on(client: httpx.AsyncClient) -> None:
    head = request(
        b"POST /v1/echo", b"Content-Type: application/json", b"Transfer-Encoding: chunked"
    )
    chunk = b"20000\r\n" + b" " * 0x20000 + b"\r\n"
    answer = await exchange(client, head + chunk * 20, within=4)
    assert status_of(answer) == 413
    assert b"connection: close" in answer.lower()


async def test_an_announced_length_is_refused_before_a_byte_comes(
    client: httpx.AsyncClient,
) -> None:
    head = request(
        b"POST /v1/echo", b"Content-Type: application/json", b"Content-Length: 10000000000"
    )
    started = time.monotonic()
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head)
    assert status_of(await reader.readuntil(b"\r\n\r\n")) == 413
    assert time.monotonic() - started < 1
    writer.close()


async def test_an_unknown_key_is_refused_before_the_body_is_read(client: httpx.AsyncClient) -> None:
    head = b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\nExpect: 100-continue\r\n\r\n"
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head)
    assert status_of(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 2)) == 401
    writer.close()


@pytest.mark.parametrize(
    "sent",
    [
        b"GARBAGE\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/public HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\nConnection: close\r\n\r\n",
        b"GET /v1/public HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n",
        b"CONNECT evil:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
async def test_what_is_no_http(client: httpx.AsyncClient, sent: bytes) -> None:
    assert 400 <= status_of(await exchange(client, sent)) < 500


async def test_the_service_goes_on_after_all_that(client: httpx.AsyncClient) -> None:
    for target in TARGETS.values():
        await exchange(client, request(b"GET " + target))
    assert (await client.get("/health/ready")).status_code == 200
