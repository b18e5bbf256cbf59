"""Request bodies: read within their limit, parsed strictly, validated straight from the JSON bytes."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope

from perennial_http.faults import invalid_body, pointer
from perennial_http.problems import Invalid, TooLarge, UnsupportedMediaType

T = TypeVar("T")

# An odd number of backslashes before u0000 is the escape itself; an even one is text about it.
_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")

MAX_FREE_DEPTH = 16
"""How deep a free-form object (attributes, properties) may nest."""


class Body(BaseModel):
    """Base of every request body: unknown fields, wrong types, NaN and infinities are refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, allow_inf_nan=False, ser_json_inf_nan="null"
    )


class Answer(BaseModel):
    """Base of response models; `model_validate` also takes mapped objects."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class QueryModel(BaseModel):
    """Base of a list's query parameters, taken as `Annotated[…, Query()]`: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def _plain(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    # 1e999 is valid JSON and reads as infinity, which no database and no JSON can hold.
    pending: list[tuple[JsonValue, int]] = [(value, 1)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_FREE_DEPTH:
            raise ValueError(f"must not nest deeper than {MAX_FREE_DEPTH} levels")
        if isinstance(item, float) and item in (float("inf"), float("-inf")):
            raise ValueError("holds a number that is too large")
        if isinstance(item, dict):
            pending.extend((each, depth + 1) for each in item.values())
        elif isinstance(item, list):
            pending.extend((each, depth + 1) for each in item)
    return value


FreeForm = Annotated[dict[str, JsonValue], AfterValidator(_plain)]
"""A JSON object of the caller's own making (attributes, properties): finite, at most 16 levels deep."""


class JsonReader(Generic[T]):
    """Turns JSON bytes into a validated `T`; says exactly what is wrong with bytes that are none."""

    def __init__(self, adapter: TypeAdapter[T]) -> None:
        self.adapter = adapter
        self._validate = adapter.validate_json

    def read(self, body: bytes) -> T:
        """Parse and validate `body`. Raises `Invalid` with a pointer for each wrong field."""
        if b"\\u0000" in body and _ESCAPED_NUL.search(body):
            raise _nul_problem(body)
        if b"NaN" in body or b"Infinity" in body:
            parse_json(body)
        try:
            return self._validate(body)
        except ValidationError as error:
            # Syntax first: then `parse_json` raises, and there is data to point into otherwise.
            data = parse_json(body)
            raise invalid_body(
                error.errors(include_url=False, include_context=False), data
            ) from None


def parse_json(body: bytes) -> Any:
    """Parse strictly: no NaN, no lone surrogates, no bad UTF-8, at most 200 levels. Raises `Invalid`."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise Invalid.field("", f"is not valid JSON: {error}") from None


def _nul_problem(body: bytes) -> Invalid:
    where = next(_nul_places(parse_json(body), []), [])
    return Invalid.field(pointer(where), "must not contain NUL characters")


def _nul_places(data: Any, path: list[int | str]) -> Iterator[list[int | str]]:
    if isinstance(data, str) and "\0" in data:
        yield path
    elif isinstance(data, dict):
        for key, value in data.items():
            if "\0" in key:
                yield path
            yield from _nul_places(value, [*path, key])
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _nul_places(value, [*path, index])


def require_media_type(scope: Scope, *accepted: str) -> None:
    """Raise `UnsupportedMediaType` unless the request's content is one of `accepted` (or `…+json`)."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            media_type = value.split(b";", 1)[0].strip().lower().decode("latin-1")
            if media_type in accepted or (
                "application/json" in accepted
                and re.fullmatch(r"application/[\w.-]+\+json", media_type)
            ):
                return
            break
    raise UnsupportedMediaType(
        f"Send the body as {' or '.join(accepted)}.", headers={"Accept": accepted[0]}
    )


def check_declared_length(scope: Scope, limit: int) -> None:
    """Raise `TooLarge` when the request announces more than `limit` bytes."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > limit:
            raise _too_large(limit)


class LimitedReceive:
    """An ASGI `receive` that stops at a limit, whatever the client announced."""

    __slots__ = ("_left", "_limit", "_receive")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = self._left = limit

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _too_large(self._limit)
        return message


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises `ClientDisconnect` when the client has gone."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):
        body: bytes = message.get("body", b"")
        return body
    chunks: list[bytes] = []
    while message["type"] == "http.request":
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()
    raise ClientDisconnect


def _too_large(limit: int) -> TooLarge:
    # The rest of the body is not read, so this connection cannot carry another request.
    return TooLarge(
        f"The body may have {limit} bytes at most.", headers={"Connection": "close"}, limit=limit
    )
