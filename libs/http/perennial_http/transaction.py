"""One write, one transaction: committed before the first byte of its answer leaves."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Annotated, Any, cast

from fastapi import Depends
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from perennial_events import outbox
from perennial_events.database import Database
from perennial_http.audit import customers_of, entry, write_entries
from perennial_http.idempotency import (
    IDEMPOTENCY_KEY_PARAMETER,
    Claim,
    claim_of,
    find_answer,
    keep_answer,
)
from perennial_http.routes import WRITES, Handler, ReadRequest, ServiceRoute
from perennial_http.runtime import runtime_of

_UNIT = "perennial.unit"


class _Unit:
    """The session of one request: there for a write, opened at the first use for a read."""

    __slots__ = ("_database", "_opened", "session")

    def __init__(self, database: Database, session: AsyncSession | None = None) -> None:
        self._database = database
        self._opened = AsyncExitStack()
        self.session = session

    async def reading(self) -> AsyncSession:
        if self.session is None:
            self.session = await self._opened.enter_async_context(self._database.reading())
        return self.session

    async def close(self) -> None:
        await self._opened.aclose()


def _unit_of(request: Request) -> _Unit:
    unit = request.scope.get(_UNIT)
    if unit is None:
        raise TypeError("only routes of TransactionalRoute have a session")
    return cast(_Unit, unit)


async def _session(request: Request) -> AsyncSession:
    return await _unit_of(request).reading()


Session = Annotated[AsyncSession, Depends(_session)]
"""The request's session: its transaction in a write, statements that stand alone in a read."""


class TransactionalRoute(ServiceRoute):
    """`APIRouter(route_class=TransactionalRoute)`: writes in one transaction, with Idempotency-Key.

    The endpoint and the rendering of its answer run inside the transaction; an error, raised or
    returned, rolls it back. The events that the write emitted are named by `Perennial-Event`.
    """

    def __init__(
        self,
        path: str,
        endpoint: Callable[..., Any],
        *,
        methods: set[str] | list[str] | None = None,
        openapi_extra: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        extra = dict(openapi_extra or {})
        if not WRITES.isdisjoint(methods or ()):
            extra["parameters"] = [*extra.get("parameters", ()), IDEMPOTENCY_KEY_PARAMETER]
        super().__init__(path, endpoint, methods=methods, openapi_extra=extra, **options)

    async def run(self, handle: Handler, request: Request, body: bytes | None) -> Response:
        runtime = runtime_of(request.scope)
        database = runtime.database
        if request.method not in WRITES:
            answer = await _read(database, handle, request)
            if self.personal and answer.status_code == 200:
                customers = customers_of(request, answer)
                runtime.audit.noted(entry(request, "read", self.path, customers))
            return answer
        raw = await request.body() if body is None else body
        claim = claim_of(request.scope, raw)
        try:
            async with database.transaction() as session:
                return await self._write(session, database, claim, handle, request)
        except _RolledBack as rolled_back:
            return rolled_back.answer

    async def _write(
        self,
        session: AsyncSession,
        database: Database,
        claim: Claim | None,
        handle: Handler,
        request: Request,
    ) -> Response:
        if claim is not None and (kept := await find_answer(session, claim)) is not None:
            return kept
        request.scope[_UNIT] = _Unit(database, session)
        answer = await handle(request)
        if answer.status_code >= 400:
            raise _RolledBack(answer)
        emitted = outbox.collected(session)
        if emitted:
            answer.headers["Perennial-Event"] = str(emitted[-1].id)
        if claim is None and not self.personal:
            return answer
        customers = customers_of(request, answer, emitted)
        await session.flush()
        if self.personal:
            fields = request.fields if isinstance(request, ReadRequest) else ()
            changed = entry(request, "changed", self.path, customers, fields)
            await write_entries(session, [changed])
        if claim is not None:
            await keep_answer(session, claim, answer, customers)
        return answer


async def _read(database: Database, handle: Handler, request: Request) -> Response:
    unit = _Unit(database)
    request.scope[_UNIT] = unit
    try:
        return await handle(request)
    finally:
        # The connection goes back before the answer is sent: a slow reader must not hold it.
        await unit.close()


class _RolledBack(Exception):
    """Carries a refusal that the endpoint returned, past the transaction that must not commit."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer
