"""The bodies that nobody should send: each is refused by every write with a clear 4xx."""

import json
from collections.abc import Iterator

import pytest

from perennial_events.schemas import Schema
from tests.contract.conftest import Door, OpenDoor
from tests.contract.doors import OPERATIONS, SAMPLES, Operation
from tests.contract.problems import is_problem

WITH_BODY = [each for each in OPERATIONS if each.body is not None]
# Segment's browser SDKs send text/plain, to spare themselves a preflight.
NAMED_JSON = [each for each in WITH_BODY if not each.tracks]
every_body = pytest.mark.parametrize("operation", WITH_BODY, ids=map(str, WITH_BODY))

DEEP = 100_000
MEGABYTES_10 = b'{"unheard": "' + b"a" * 10_000_000 + b'"}'
JSON_TYPE = {"Content-Type": "application/json"}

NOT_THE_JSON_OF_ANY_BODY = {
    "half an object": b'{"a": ',
    "no JSON": b"hello",
    "a number": b"42",
    "a string": b'"text"',
    "a list": b"[]",
    "bytes that are not UTF-8": b'{"a": "\xff\xfe"}',
    "a surrogate as UTF-8": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a raw NUL": b'{"a": "\0"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": [Infinity]}',
    "minus Infinity": b'{"a": {"b": -Infinity}}',
    "lists nested deeply": b"[" * DEEP + b"]" * DEEP,
    "objects nested deeply": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "ten megabytes": MEGABYTES_10,
    "spaces only": b"   ",
}


async def send(door: Door, operation: Operation, body: bytes, **headers: str) -> str | None:
    """What is wrong with the refusal of this body."""
    answer = await door.client.request(
        operation.method.upper(), operation.target(), content=body, headers={**JSON_TYPE, **headers}
    )
    return is_problem(answer)


@every_body
async def test_what_is_no_body_at_all_is_refused(operation: Operation, open_door: OpenDoor) -> None:
    door = await open_door(operation.service)
    wrong = {
        name: found
        for name, body in NOT_THE_JSON_OF_ANY_BODY.items()
        if (found := await send(door, operation, body))
    }
    assert not wrong


@every_body
async def test_nasty_values_are_refused_in_every_field(
    operation: Operation, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    wrong = {}
    for name, body in nasty_bodies(operation):
        if found := await send(door, operation, body):
            wrong[name] = found
    assert not wrong


def nasty_bodies(operation: Operation) -> Iterator[tuple[str, bytes]]:
    """Valid bodies but for one field each, with a name that says which and how."""
    assert operation.body is not None
    for place, schema in operation.fields(operation.body):
        # What a batch refuses of its items it says in a 200; a writeKey is read only without a key.
        if operation.tracks and ("batch" in place or place == ("writeKey",)):
            continue
        named = "/" + "/".join(map(str, place))
        for kind, value in nasty_values(operation, schema):
            body = json.dumps(operation.body_with(place, "\x01here\x01")).encode()
            yield f"{named}: {kind}", body.replace(b'"\\u0001here\\u0001"', value)
    if not operation.tracks:
        with_unknown = {**operation.smallest_body, "unheard_of": 1}
        yield "an unknown field", json.dumps(with_unknown).encode()


def nasty_values(operation: Operation, schema: Schema) -> Iterator[tuple[str, bytes]]:
    """What no field of this kind takes, as the bytes of its JSON."""
    taken = operation.types(schema)
    node = operation.resolved(schema)
    for kind, sample in SAMPLES.items():
        if kind not in taken and not (kind == "integer" and "number" in taken):
            yield f"of type {kind}", json.dumps(sample).encode()
    if "string" in taken:
        yield "escaped NUL", b'"a\\u0000b"'
        yield "a lone high surrogate", b'"\\ud800"'
        yield "a lone low surrogate", b'"\\udfff"'
        # Free text has its limit too, and a list of values has none that long.
        yield "a megabyte", b'"' + b"a" * 900_000 + b'"'
    if {"integer", "number"} & taken:
        yield "NaN", b"NaN"
        yield "a number of 400 digits", b"9" * 400
        yield "beyond every float", b"1e999"
        yield "beyond 64 bits", b"9223372036854775808"
    if "object" in taken and not node.get("properties"):
        yield "NUL inside", b'{"a": ["\\u0000"]}'
        yield "NUL in a name", b'{"\\u0000": 1}'
        yield "a surrogate inside", b'{"a": {"b": "\\ud800"}}'
        yield "an infinite number inside", b'{"a": 1e999}'
        yield "a deep tree", b'{"a":' * 150 + b"1" + b"}" * 150


@pytest.mark.parametrize("operation", NAMED_JSON, ids=map(str, NAMED_JSON))
@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data", "application/xml", ""]
)
async def test_another_content_type_is_refused(
    operation: Operation, content_type: str, open_door: OpenDoor
) -> None:
    door = await open_door(operation.service)
    body = json.dumps(operation.smallest_body).encode()
    answer = await door.client.request(
        operation.method.upper(),
        operation.target(),
        content=body,
        headers={"Content-Type": content_type},
    )
    assert is_problem(answer) is None
    assert answer.status_code == 415


@every_body
async def test_the_smallest_body_is_valid(operation: Operation, open_door: OpenDoor) -> None:
    """Otherwise the tests above would prove nothing: each field would be refused for another's sake."""
    door = await open_door(operation.service)
    answer = await door.client.request(
        operation.method.upper(), operation.target(), json=operation.smallest_body
    )
    assert answer.status_code in (200, 201, 202, 204, 404, 409) or _needs_more(operation), (
        answer.text
    )


def _needs_more(operation: Operation) -> bool:
    """A PATCH or a replay of nothing, and a call about nobody, are refused by rules that no schema
    tells."""
    return (
        operation.method == "patch"
        or operation.tracks
        or operation.path == "/v1/webhook-endpoints/{endpoint_id}/replay"
    )
