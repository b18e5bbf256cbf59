"""Bulk imports: good lines are taken, bad ones told, and neither waits for the whole body."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial_http.imports import MAX_LINE_BYTES, numbered_lines
from perennial_http.testing import ADMIN_KEY

Count = Callable[[], Awaitable[int]]
NDJSON = {"content-type": "application/x-ndjson"}


def line(**fields: Any) -> bytes:
    return json.dumps({"customer_id": "c", **fields}).encode() + b"\n"


async def send(client: httpx.AsyncClient, content: Any) -> list[dict[str, Any]]:
    answer = await client.post("/v1/cases:import", content=content, headers=NDJSON)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(each) for each in answer.text.splitlines()]


async def test_every_line_finds_its_way(client: httpx.AsyncClient, count_cases: Count) -> None:
    lines = [
        line(case_id="a"),
        b"\r\n",
        b"{nonsense\n",
        line(case_id="b", number="x"),
        line(case_id="a"),
        b'{"case_id":"d","customer_id":"c","text":"' + b"x" * MAX_LINE_BYTES + b'"}\n',
        line(case_id="e", fail="refuse"),
        b'{"case_id":"f","customer_id":"\\u0000"}\n',
        b"\xff\n",
        line(case_id="z").rstrip(b"\n"),
    ]
    *refused, totals = await send(client, b"".join(lines))
    assert [(each["line"], each["id"]) for each in refused] == [
        (3, None), (4, "b"), (6, None), (7, "e"), (8, "f"), (9, None),
    ]  # fmt: skip
    assert refused[1]["errors"] == [
        {"pointer": "/number", "detail": "Input should be a valid integer"}
    ]
    assert all(each["errors"][0]["detail"] for each in refused)
    assert totals == {"created": 2, "unchanged": 1, "refused": 6}
    assert await count_cases() == 2


async def test_a_second_run_changes_nothing(client: httpx.AsyncClient, count_cases: Count) -> None:
    body = b"".join(line(case_id=f"k{n}") for n in range(1_234))
    assert await send(client, body) == [{"created": 1_234, "unchanged": 0, "refused": 0}]
    assert await send(client, body) == [{"created": 0, "unchanged": 1_234, "refused": 0}]
    assert await count_cases() == 1_234


async def test_one_line_that_the_database_refuses_stops_no_other(
    client: httpx.AsyncClient, count_cases: Count
) -> None:
    body = b"".join(
        line(
            case_id=f"k{n}",
            **({"number": 2**63} if n == 37 else {"fail": "nul"} if n == 70 else {}),
        )
        for n in range(100)
    )
    first, second, totals = await send(client, body)
    assert (first["line"], first["id"], second["line"]) == (38, "k37", 71)
    assert totals == {"created": 98, "unchanged": 0, "refused": 2}
    assert await count_cases() == 98


async def test_an_empty_import(client: httpx.AsyncClient) -> None:
    assert await send(client, b"") == [{"created": 0, "unchanged": 0, "refused": 0}]


async def test_another_media_type(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/cases:import", content=b"{}", headers={"content-type": "text/csv"}
    )
    assert answer.status_code == 415


async def test_the_answer_comes_while_the_request_is_still_going(client: httpx.AsyncClient) -> None:
    url = client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = (
        "POST /v1/cases:import HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {ADMIN_KEY}\r\nContent-Type: application/x-ndjson\r\n"
        "Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"nonsense\n" * 100
    writer.write(head.encode() + b"%x\r\n%b\r\n" % (len(chunk), chunk))
    async with asyncio.timeout(5):
        await reader.readuntil(b'"line":100,')
    writer.write(b"0\r\n\r\n")
    assert b'"refused":100' in await reader.read()
    writer.close()


async def test_a_client_that_reads_late_does_not_block_the_import(
    client: httpx.AsyncClient,
) -> None:
    # httpx reads the answer only after it has sent everything; each of these lines is answered.
    *refused, totals = await send(client, b"x\n" * 30_000)
    assert len(refused) == totals["refused"] == 30_000


async def test_a_client_that_leaves_ends_the_import_after_its_chunk(
    client: httpx.AsyncClient, count_cases: Count
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"".join(line(case_id=f"k{n}") for n in range(250))
        await asyncio.sleep(0.5)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        await client.post("/v1/cases:import", content=body(), headers=NDJSON)
    await asyncio.sleep(0.3)
    assert await count_cases() == 200
    assert (await client.get("/health/ready")).status_code == 200


@given(st.lists(st.binary(max_size=5)), st.lists(st.integers(1, 7)))
def test_lines_do_not_depend_on_how_the_body_is_cut(lines: list[bytes], cuts: list[int]) -> None:
    whole = b"\n".join(lines)

    async def collect() -> list[tuple[int, bytes | None]]:
        async def parts() -> AsyncIterator[bytes]:
            position = 0
            for size in cuts:
                yield whole[position : position + size]
                position += size
            yield whole[position:]

        return [each async for each in numbered_lines(parts())]

    expected = [(n, each) for n, each in enumerate(whole.split(b"\n"), 1) if each.strip()]
    assert asyncio.run(collect()) == expected
