"""Bulk imports: NDJSON in, NDJSON out, at the pace of the database and never all of it in memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
from pydantic import TypeAdapter
from pydantic_core import from_json, to_json
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from perennial_events.database import Database
from perennial_events.errors import is_permanent
from perennial_http.bodies import JsonReader, require_media_type
from perennial_http.faults import problem_of
from perennial_http.problems import FieldError, Problem
from perennial_http.runtime import runtime_of

T = TypeVar("T")

NDJSON = "application/x-ndjson"
CHUNK_LINES = 500
MAX_LINE_BYTES = 256 * 1024
# Refusals wait here while the client is still sending and does not read yet.
_WAITING_ANSWERS = 64

_log = structlog.get_logger(__name__)


@dataclass
class Outcome:
    """What became of a chunk's lines."""

    created: int = 0
    unchanged: int = 0
    refused: Mapping[int, Sequence[FieldError]] = field(default_factory=dict)
    """Line number to what is wrong with it."""


Apply = Callable[[AsyncSession, list[tuple[int, T]]], Awaitable[Outcome]]
"""Applies numbered items in the given transaction, set-wise; idempotent by the items' ids.

A `Problem` or a data error out of it rolls the chunk back; it is then tried in halves, so that only
the lines at fault are refused.
"""


async def run_import(
    request: Request,
    item_type: type[T],
    apply: Apply[T],
    *,
    id_field: str,
    chunk_lines: int = CHUNK_LINES,
) -> Response:
    """Answer `POST /v1/<things>:import`. `id_field` is the field by which callers know a line's item.

    The answer streams while the request is read. A client that goes away ends it after the chunk at
    hand, which stays applied: sending all of it again is safe.
    """
    require_media_type(request.scope, NDJSON, "application/jsonl", "application/json-seq")
    importing = _Import(runtime_of(request.scope).database, item_type, apply, id_field, chunk_lines)
    return _Duplex(importing.answer(request.stream()))


class _Import(Generic[T]):
    def __init__(
        self,
        database: Database,
        item_type: type[T],
        apply: Apply[T],
        id_field: str,
        chunk_lines: int,
    ) -> None:
        self._database = database
        self._reader = JsonReader(TypeAdapter(item_type))
        self._apply = apply
        self._id_field = id_field
        self._chunk_lines = chunk_lines
        self._totals = {"created": 0, "unchanged": 0, "refused": 0}

    async def answer(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The lines of the answer, some at a time."""
        chunk: list[tuple[int, bytes | None]] = []
        try:
            async for numbered in numbered_lines(body):
                chunk.append(numbered)
                if len(chunk) == self._chunk_lines:
                    yield await self._work_off(chunk)
                    chunk = []
            yield await self._work_off(chunk)
            yield to_json(self._totals) + b"\n"
        except ClientDisconnect:
            _log.info("import_broken_off", **self._totals)
        except Exception as error:  # noqa: BLE001 - the status is out: the error has to go into the body
            # Without totals the caller knows that not all of it was read.
            yield to_json({"problem": problem_of(error).document(), "so_far": self._totals}) + b"\n"

    async def _work_off(self, lines: list[tuple[int, bytes | None]]) -> bytes:
        refusals: dict[int, tuple[str | None, Sequence[FieldError]]] = {}
        items: list[tuple[int, T]] = []
        raw = dict(lines)
        for number, line in lines:
            if line is None:
                refusals[number] = (
                    None,
                    [{"pointer": "", "detail": f"is longer than {MAX_LINE_BYTES} bytes"}],
                )
                continue
            try:
                items.append((number, self._reader.read(line)))
            except Problem as problem:
                refusals[number] = (self._id_in(line), problem.errors)
        if items:
            for number, errors in (await self._apply_chunk(items)).items():
                refusals[number] = (self._id_in(raw[number] or b""), errors)
        self._totals["refused"] += len(refusals)
        return b"".join(
            to_json({"line": number, "id": refusals[number][0], "errors": refusals[number][1]})
            + b"\n"
            for number in sorted(refusals)
        )

    async def _apply_chunk(self, items: list[tuple[int, T]]) -> Mapping[int, Sequence[FieldError]]:
        """Apply in one transaction; where that fails, each half in its own, down to the line at fault."""
        try:
            async with self._database.transaction() as session:
                outcome = await self._apply(session, items)
        except Exception as error:
            problem = error if isinstance(error, Problem) and error.status < 500 else None
            if problem is None and not is_permanent(error):
                raise
            if len(items) == 1:
                return {items[0][0]: _errors_of(problem or problem_of(error))}
            half = len(items) // 2
            return {
                **await self._apply_chunk(items[:half]),
                **await self._apply_chunk(items[half:]),
            }
        self._totals["created"] += outcome.created
        self._totals["unchanged"] += outcome.unchanged
        return outcome.refused

    def _id_in(self, line: bytes) -> str | None:
        try:
            data: Any = from_json(line)
        except ValueError:
            return None
        found = data.get(self._id_field) if isinstance(data, dict) else None
        return found if isinstance(found, str) else None


def _errors_of(problem: Problem) -> Sequence[FieldError]:
    return problem.errors or [{"pointer": "", "detail": problem.detail}]


async def numbered_lines(body: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, bytes | None]]:
    """The body's lines from 1, blank ones left out; None stands for a line that is too long."""
    number, begun, too_long = 1, bytearray(), False
    async for part in body:
        first, *rest = part.split(b"\n")
        pieces = [first, *rest]
        for index, piece in enumerate(pieces):
            if not too_long:
                begun += piece
            if len(begun) > MAX_LINE_BYTES:
                too_long = True
                begun.clear()
            if index == len(pieces) - 1:
                break
            if too_long or begun.strip():
                yield number, None if too_long else bytes(begun)
            number, too_long = number + 1, False
            begun.clear()
    if too_long or begun.strip():
        yield number, None if too_long else bytes(begun)


class _Duplex(Response):
    """Sends while it reads: a client that reads only after it has sent everything does not block it."""

    media_type = NDJSON

    def __init__(self, lines: AsyncIterator[bytes]) -> None:
        super().__init__()
        del self.headers["content-length"]
        self._lines = lines

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        waiting: asyncio.Queue[bytes | None] = asyncio.Queue(_WAITING_ANSWERS)
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async with asyncio.TaskGroup() as group:
            group.create_task(self._produce(waiting))
            while (part := await waiting.get()) is not None:
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def _produce(self, waiting: "asyncio.Queue[bytes | None]") -> None:
        async for part in self._lines:
            if part:
                await waiting.put(part)
        await waiting.put(None)
