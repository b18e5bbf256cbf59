"""`/v1/audit`, and what a service holds of a customer, for `profile` to export."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from sqlalchemy import Column, DateTime, MetaData, Table, Text, Uuid, select
from sqlalchemy.dialects.postgresql import ARRAY

from perennial_events.database import Database
from perennial_http.audit import Action, entry
from perennial_http.bodies import Answer
from perennial_http.imports import NDJSON
from perennial_http.keys import Authorized
from perennial_http.paging import Page, PageQuery, fetch_page
from perennial_http.privacy.holdings import Holding, held
from perennial_http.routes import ServiceRoute
from perennial_http.runtime import runtime_of
from perennial_http.transaction import Session, TransactionalRoute
from perennial_http.types import Id, Time

_AUDIT = Table(
    "audit",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("at", DateTime(timezone=True)),
    Column("actor", Text),
    Column("action", Text),
    Column("operation", Text),
    Column("customer_ids", ARRAY(Text)),
    Column("fields", ARRAY(Text)),
    Column("request_id", Text),
)

EXPORTS_AT_ONCE = 2
"""Each holds a database connection while its reader reads: a few slow ones must not hold them all."""

PERSONAL_DATA = "/v1/customers/{customer_id}/personal-data"

_NDJSON_ANSWER: dict[int | str, dict[str, object]] = {
    200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "A record a line"}
}


class AuditAnswer(Answer):
    """That a key read or changed personal data."""

    id: UUID
    at: Time
    actor: str
    """The id of the API key; `admin` is the one that was made at the first start."""
    action: Action
    operation: str
    customer_ids: list[str]
    fields: list[str]
    """The names of the fields that a change sent."""
    request_id: str


class AuditQuery(PageQuery):
    customer_id: Id | None = None
    actor: Id | None = None


def privacy(service: str, holdings: Sequence[Holding]) -> list[APIRouter]:
    """The routers by which a service answers for the personal data that it holds."""
    audit = APIRouter(route_class=TransactionalRoute, tags=["privacy"])
    export = APIRouter(route_class=ServiceRoute, tags=["privacy"])
    places = asyncio.Semaphore(EXPORTS_AT_ONCE)

    @audit.get("/v1/audit", dependencies=[Authorized("audit:read")])
    async def list_audit(
        query: Annotated[AuditQuery, Query()], session: Session
    ) -> Page[AuditAnswer]:
        """Who read or changed whose personal data in this service, the latest first."""
        statement = select(_AUDIT)
        if query.customer_id is not None:
            statement = statement.where(_AUDIT.c.customer_ids.contains([query.customer_id]))
        if query.actor is not None:
            statement = statement.where(_AUDIT.c.actor == query.actor)
        rows, cursor = await fetch_page(session, statement, (_AUDIT.c.id,), query)
        names = _AUDIT.c.keys()
        data = [AuditAnswer(**dict(zip(names, row, strict=True))) for row in rows]
        return Page(data=data, next_cursor=cursor)

    @export.get(
        PERSONAL_DATA,
        dependencies=[Authorized("privacy:read")],
        response_class=Response,
        responses=_NDJSON_ANSWER,
    )
    async def get_personal_data(customer_id: Id, request: Request) -> Response:
        """All that this service holds of a customer, as NDJSON: the last line says that it is all."""
        runtime = runtime_of(request.scope)
        runtime.audit.noted(entry(request, "read", PERSONAL_DATA, [customer_id]))
        lines = held_lines(runtime.database, service, holdings, customer_id, places)
        return StreamingResponse(lines, media_type=NDJSON)

    return [audit, export]


async def held_lines(
    database: Database,
    service: str,
    holdings: Sequence[Holding],
    customer_id: str,
    places: asyncio.Semaphore,
) -> AsyncIterator[bytes]:
    """`{"service", "table", "data"}` a row, and at last `{"service", "records"}`: then it is all.

    A reader that stalls for half a minute loses the connection, and with it the last line.
    """
    head, records = b'{"service":' + to_json(service) + b',"table":', 0
    async with places, database.transaction() as session:
        async for table, row in held(session, holdings, customer_id):
            records += 1
            yield head + to_json(table) + b',"data":' + row.encode() + b"}\n"
    yield to_json({"service": service, "records": records}) + b"\n"
