"""`/v1/track` and its siblings: Segment's HTTP API.

Their SDKs work by changing the host. Unlike at every other door, unknown fields are not refused here,
and the key may also stand in the body (`writeKey`), since that is what these SDKs send.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from engagement_service.errors import LogAway
from engagement_service.tracking import service
from engagement_service.tracking.batches import (
    MAX_BATCH_BYTES,
    MAX_BATCH_CALLS,
    MAX_CALL_BYTES,
    Refusal,
    read_batch,
)
from engagement_service.tracking.body import read_call
from engagement_service.tracking.calls import (
    CALLS,
    Alias,
    Call,
    Group,
    Identify,
    Page,
    Screen,
    Track,
)
from perennial_events import Envelope, LogUnavailable
from perennial_events.group_commit import GroupCommit
from perennial_http import (
    PUBLIC,
    UNLIMITED,
    Answer,
    Authorized,
    Key,
    ServiceRoute,
    body_limit,
    presented_token,
    runtime_of,
)
from perennial_http.bodies import JsonReader

router = APIRouter(route_class=ServiceRoute, tags=["tracking"])

WRITE = Authorized("clicks:write", basic=True)


class Accepted(Answer):
    """The call is in the log."""

    success: bool


class BatchAccepted(Answer):
    """How many calls are in the log; every other one is among `refused`."""

    accepted: int
    refused: list[Refusal]


_ACCEPTED = to_json(Accepted(success=True))


def _door(schema: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI should know of a route that reads its body, and checks its key, by itself."""
    content = {"application/json": {"schema": schema}}
    return {
        "security": WRITE.security,
        "requestBody": {"required": True, "content": content},
        # The endpoint limits the body itself: too much is a 400 in this API.
        **body_limit(UNLIMITED),
    }


def _schema(call: type[Call]) -> dict[str, Any]:
    return call.model_json_schema(by_alias=True)


_BATCH_SCHEMA: dict[str, Any] = {
    "title": "Batch",
    "type": "object",
    "required": ["batch"],
    "properties": {
        "batch": {
            "type": "array",
            "maxItems": MAX_BATCH_CALLS,
            "items": {
                "anyOf": [
                    {**schema, "required": [*schema.get("required", ()), "type"]}
                    for schema in map(_schema, CALLS)
                ]
            },
        },
        "sentAt": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "writeKey": {"type": "string"},
    },
}


async def _read(request: Request, limit: int) -> tuple[bytes, Key]:
    """The body and the key. A key in the header is checked before anything is read.

    Raises `Unauthorized`, `Forbidden`, `CallTooLarge`.
    """
    keys = runtime_of(request.scope).keys
    token = presented_token(request.scope, basic=True)
    if token is not None:
        key = keys.check(token, WRITE)
        return await read_call(request, limit), key
    raw = await read_call(request, limit)
    return raw, keys.check(_write_key(raw), WRITE)


def _write_key(raw: bytes) -> bytes | None:
    try:
        body = from_json(raw)
    except ValueError:
        return None
    key = body.get("writeKey") if isinstance(body, dict) else None
    return key.encode() if isinstance(key, str) else None


async def _keep(request: Request, envelopes: Sequence[Envelope]) -> None:
    """Return when the log has the events. Raises `LogAway`."""
    clicks: GroupCommit = request.app.state.clicks
    try:
        await clicks.append(envelopes)
    except LogUnavailable as error:
        raise LogAway from error


def _answer(body: bytes, told: Sequence[Envelope]) -> Response:
    headers = {"Perennial-Event": str(told[-1].id)} if told else {}
    return Response(body, media_type="application/json", headers=headers)


async def _take_one(request: Request, reader: JsonReader[Any]) -> Response:
    raw, key = await _read(request, MAX_CALL_BYTES)
    envelopes = service.take(reader.read(raw), key, request.app.state.clock())
    await _keep(request, envelopes)
    return _answer(_ACCEPTED, envelopes)


def _add_route(call: type[Call], meaning: str) -> None:
    reader: JsonReader[Any] = JsonReader(TypeAdapter(call))

    async def endpoint(request: Request) -> Response:
        return await _take_one(request, reader)

    name = call.__name__.lower()
    router.add_api_route(
        f"/v1/{name}",
        endpoint,
        methods=["POST"],
        name=name,
        description=meaning,
        response_model=Accepted,
        dependencies=[PUBLIC],
        openapi_extra=_door(_schema(call)),
    )


_add_route(Identify, "The anonymous visitor turns out to be this customer. Traits are not kept.")
_add_route(Track, "A visitor did something: `Product Viewed`, or an event of the shop's own.")
_add_route(Page, "A visitor looked at a page.")
_add_route(Screen, "A visitor looked at a screen of an app.")
_add_route(Group, "A visitor belongs to a group, such as a company. Traits are not kept.")
_add_route(Alias, "`previousId` turns out to be `userId`.")


@router.post(
    "/v1/batch",
    response_model=BatchAccepted,
    dependencies=[PUBLIC],
    openapi_extra=_door(_BATCH_SCHEMA),
)
async def batch(request: Request) -> Response:
    """Many calls at once, each with its `type`. A bad one is refused alone, and named."""
    raw, key = await _read(request, MAX_BATCH_BYTES)
    taken = service.take_batch(read_batch(raw), key, request.app.state.clock())
    if taken.envelopes:
        await _keep(request, taken.envelopes)
    answer = {"accepted": taken.accepted, "refused": taken.refused}
    return _answer(to_json(answer), taken.envelopes)
