"""Promises about answers: replays byte for byte, ETags that guard writes, imports that refuse by line."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.contract.conftest import Door, OpenDoor
from tests.contract.doors import OPERATIONS, Operation
from tests.contract.problems import is_problem
from tests.contract.test_nasty_bodies import NOT_THE_JSON_OF_ANY_BODY

CREATES = [
    each
    for each in OPERATIONS
    if each.method == "post"
    and "201" in each.described["responses"]
    and "{" not in each.path
    and "Idempotency-Key" in each.parameters("header")
]
every_creation = pytest.mark.parametrize("operation", CREATES, ids=map(str, CREATES))


async def create(door: Door, operation: Operation, key: str, **changes: Any) -> httpx.Response:
    return await door.client.post(
        operation.path,
        json={**operation.smallest_body, **changes},
        headers={"Idempotency-Key": key},
    )


def raw(answer: httpx.Response) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """The answer to the byte, but for the word that it is a replay."""
    kept = [each for each in answer.headers.raw if each[0].lower() != b"idempotent-replayed"]
    return answer.status_code, answer.content, sorted(kept)


@every_creation
async def test_the_same_key_and_body_replay_the_answer_byte_for_byte(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    key = uuid4().hex
    first = await create(door, operation, key)
    assert first.status_code == 201, first.text
    assert "Perennial-Event" in first.headers
    assert "Idempotent-Replayed" not in first.headers

    again = await create(door, operation, key)

    assert again.headers["Idempotent-Replayed"] == "true"
    assert raw(again) == raw(first)


@every_creation
async def test_the_same_key_with_another_body_is_refused(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    key = uuid4().hex
    assert (await create(door, operation, key)).status_code == 201
    other = await door.client.post(
        operation.path,
        content=json.dumps(operation.smallest_body) + "\n",
        headers={"Idempotency-Key": key, "Content-Type": "application/json"},
    )
    assert is_problem(other) is None
    assert other.status_code == 422
    assert other.json()["type"].endswith("/key-reused")


@every_creation
async def test_what_was_created_is_read_back_with_a_strong_etag(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    created = await create(door, operation, uuid4().hex)
    if "Location" not in created.headers:
        # A key is shown once, and read in the list only.
        assert operation.path == "/v1/keys"
        return
    read = await door.client.get(created.headers["Location"])
    assert read.status_code == 200
    tag = read.headers["ETag"]
    assert tag.startswith('"')
    for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        unchanged = await door.client.get(read.url, headers={"If-None-Match": sent})
        assert (unchanged.status_code, unchanged.content) == (304, b""), sent
    assert (await door.client.get(read.url, headers={"If-None-Match": '"x"'})).content


CHANGES = {
    "/v1/customers/{customer_id}": {"name": "Somebody Else"},
    "/v1/opportunities/{opportunity_id}": {"next_step": "Call them"},
    "/v1/webhook-endpoints/{endpoint_id}": {"description": "Somebody else's"},
}
"""For a PATCH: something that can be changed."""

GUARDED = [each for each in OPERATIONS if "If-Match" in each.parameters("header")]


@pytest.mark.parametrize("operation", GUARDED, ids=map(str, GUARDED))
async def test_a_stale_write_is_refused_and_a_fresh_one_is_not(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    id = uuid4().hex
    target, body = operation.target(id), operation.smallest_body
    if operation.method == "put":
        if "{customer_id}" in operation.path:  # what is said of a customer presupposes them
            await door.client.post("/v1/customers", json={"customer_id": id})
        made = await door.client.put(target, json=body)
    else:
        made = await make_by_post(door, operation, id)
        body = CHANGES[operation.path]
    assert made.status_code in (200, 201), made.text
    tag = (await door.client.get(target)).headers["ETag"]

    async def write(if_match: str, value: Any) -> httpx.Response:
        return await door.client.request(
            operation.method.upper(), target, json=value, headers={"If-Match": if_match}
        )

    assert (await write('"stale"', body)).status_code == 412
    assert (await door.client.get(target)).headers["ETag"] == tag
    written = await write(tag, body)
    assert written.status_code == 200
    assert written.headers["ETag"] == (await door.client.get(target)).headers["ETag"]
    assert (await write("*", body)).status_code == 200


async def make_by_post(door: Door, operation: Operation, id: str) -> httpx.Response:
    """Create the thing that the guarded path names, by the POST above it."""
    above, _, parameter = operation.path.rpartition("/")
    posting = next(each for each in CREATES if each.path == above)
    named = {parameter.strip("{}"): id}
    return await door.client.post(above, json={**posting.smallest_body, **named})


# Imports

IMPORTS = [each for each in OPERATIONS if each.streams]
every_import = pytest.mark.parametrize("operation", IMPORTS, ids=map(str, IMPORTS))
NDJSON = {"Content-Type": "application/x-ndjson"}


@every_import
async def test_bad_lines_are_refused_one_by_one(operation: Operation, open_door: OpenDoor) -> None:
    """A streamed answer has begun with its 200: each nasty line is named in it, and none stops the rest."""
    door = await open_door(operation.service)
    lines = list(NOT_THE_JSON_OF_ANY_BODY.values())
    answer = await door.client.post(operation.path, content=b"\n".join(lines), headers=NDJSON)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    *refusals, totals = [json.loads(line) for line in answer.text.splitlines()]
    not_blank = [number for number, line in enumerate(lines, 1) if line.strip()]
    # The UTF-16 sample holds a byte that ends a line, and so is two.
    assert {each["line"] for each in refusals} >= set(not_blank[:5])
    assert totals == {"created": 0, "unchanged": 0, "refused": len(refusals)}
    assert len(refusals) >= len(not_blank)
    assert all(each["errors"][0]["detail"] for each in refusals)


@every_import
async def test_an_import_takes_ndjson_only(operation: Operation, open_door: OpenDoor) -> None:
    door = await open_door(operation.service)
    for content_type in ("application/json", "text/csv", ""):
        answer = await door.client.post(
            operation.path, content=b"{}\n", headers={"Content-Type": content_type}
        )
        assert is_problem(answer) is None
        assert answer.status_code == 415


def test_every_kind_of_promise_was_found() -> None:
    assert {each.service for each in CREATES} >= {"profile", "orders", "support"}
    assert {each.service for each in GUARDED} >= {"profile", "orders"}
    assert {each.service for each in IMPORTS} >= {"profile", "orders", "support"}
