"""A small real service: cases of customers, with what the library offers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any

import httpx
import pytest
import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import BigInteger, DateTime, MetaData, Table, Text, func, select, text
from sqlalchemy import Column as TableColumn
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.requests import Request

from perennial_embedded.postgres import EmbeddedPostgres
from perennial_events import Database, emit
from perennial_events.catalogue import ComplaintReopened
from perennial_events.schema import CREATE_EVENT_TABLES_V1
from perennial_http import (
    AFTER,
    CREATE_HTTP_TABLES_V1,
    CREATE_HTTP_TABLES_V2,
    PUBLIC,
    UNLIMITED,
    Answer,
    Authorized,
    Body,
    Caller,
    Conflict,
    FieldError,
    FreeForm,
    Id,
    IfMatch,
    Money,
    NotFound,
    Outcome,
    Page,
    PageQuery,
    ServiceApp,
    ServiceRoute,
    ServiceSettings,
    Session,
    Time,
    TransactionalRoute,
    Zone,
    body_limit,
    check_if_match,
    create_app,
    etag,
    fetch_page,
    run_import,
)
from perennial_http.testing import ADMIN_KEY_SHA256, served

CREATE_CASES = """
    CREATE TABLE cases (
        case_id     text PRIMARY KEY,
        customer_id text NOT NULL,
        number      bigint NOT NULL DEFAULT 0,
        version     bigint NOT NULL DEFAULT 1,
        opened_at   timestamptz NOT NULL DEFAULT now()
    )
"""
CASES = Table(
    "cases",
    MetaData(),
    TableColumn("case_id", Text, primary_key=True),
    TableColumn("customer_id", Text),
    TableColumn("number", BigInteger),
    TableColumn("version", BigInteger),
    TableColumn("opened_at", DateTime(timezone=True)),
)


class Line(Body):
    sku: Id
    quantity: Annotated[int, Field(ge=1)]


class NewCase(Body):
    case_id: Id | None = None
    customer_id: Id
    text: str | None = None
    lines: tuple[Line, ...] = ()
    price: Money | None = None
    at: Time | None = None
    zone: Zone | None = None
    weight: float | None = None
    number: int | None = None
    attributes: FreeForm | None = None
    fail: str | None = None


class Change(Body):
    customer_id: Id


class CaseAnswer(Answer):
    case_id: str
    customer_id: str
    version: int
    opened_at: datetime


class CaseQuery(PageQuery):
    customer_id: Id | None = None


class AlreadyOpen(Conflict):
    """A case with this id is open already."""

    title = "The case is open already"


router = APIRouter(prefix="/v1", route_class=TransactionalRoute)
reads, writes = Authorized("cases:read"), Authorized("cases:write")
open_gate = asyncio.Event()
open_gate.set()


@router.post("/cases", status_code=201, dependencies=[writes])
async def open_case(body: NewCase, session: Session, response: Response) -> CaseAnswer:
    """Open a case; `fail` says at which point to go wrong."""
    case_id = body.case_id or str(uuids.uuid7())
    row = (
        await session.execute(
            insert(CASES)
            .values(case_id=case_id, customer_id=body.customer_id, number=body.number or 0)
            .on_conflict_do_nothing()
            .returning(CASES)
        )
    ).one_or_none()
    if row is None:
        raise AlreadyOpen(f"Case {case_id} was opened before.", case_id=case_id)
    if body.fail == "slow":
        await asyncio.sleep(0.3)
    if body.fail == "gate":
        await open_gate.wait()
    if body.fail == "boom":
        raise RuntimeError("secret detail")
    if body.fail == "nul":
        await session.execute(text("SELECT CAST(:v AS text)"), {"v": "a\0b"})
    emit(
        session, ComplaintReopened(case_id=case_id, customer_id=body.customer_id, category="other")
    )
    response.headers["Location"] = f"/v1/cases/{case_id}"
    response.headers["ETag"] = etag(row.version)
    return CaseAnswer.model_validate(row)


@router.post("/refusals", dependencies=[writes])
async def refuse(body: NewCase, session: Session) -> Response:
    """Write, then return (not raise) a refusal."""
    await session.execute(insert(CASES).values(case_id=body.case_id, customer_id="x"))
    return Response(status_code=409)


@router.get("/cases/{case_id}", dependencies=[reads])
async def read_case(case_id: Id, session: Session, response: Response) -> CaseAnswer:
    row = (await session.execute(select(CASES).where(CASES.c.case_id == case_id))).one_or_none()
    if row is None:
        raise NotFound(f"No case {case_id}.")
    response.headers["ETag"] = etag(row.version)
    return CaseAnswer.model_validate(row)


@router.patch("/cases/{case_id}", dependencies=[writes])
async def change_case(
    case_id: Id, body: Change, session: Session, if_match: IfMatch = None
) -> CaseAnswer:
    found = await session.execute(select(CASES).where(CASES.c.case_id == case_id).with_for_update())
    row = found.one_or_none()
    if row is None:
        raise NotFound(f"No case {case_id}.")
    check_if_match(if_match, row.version)
    changed = await session.execute(
        CASES.update()
        .where(CASES.c.case_id == case_id)
        .values(customer_id=body.customer_id, version=CASES.c.version + 1)
        .returning(CASES)
    )
    return CaseAnswer.model_validate(changed.one())


@router.get("/cases", dependencies=[reads])
async def list_cases(query: Annotated[CaseQuery, Query()], session: Session) -> Page[CaseAnswer]:
    statement = select(CASES)
    if query.customer_id:
        statement = statement.where(CASES.c.customer_id == query.customer_id)
    rows, cursor = await fetch_page(session, statement, [CASES.c.opened_at, CASES.c.case_id], query)
    return Page(
        data=[
            CaseAnswer(case_id=r[0], customer_id=r[1], version=r[3], opened_at=r[4]) for r in rows
        ],
        next_cursor=cursor,
    )


@router.get("/derived", dependencies=[reads, AFTER])
async def derived(session: Session) -> dict[str, int]:
    return {"cases": await session.scalar(select(func.count()).select_from(CASES)) or 0}


@router.get("/slow-reader", dependencies=[reads])
async def slow_reader(session: Session) -> str:
    await session.scalar(select(1))
    return "x" * 8_000_000


@router.get("/whoami", dependencies=[Authorized("clicks:write", basic=True)])
async def whoami(caller: Caller) -> str:
    return caller.key_id


@router.get("/public", dependencies=[PUBLIC])
async def public() -> str:
    return "open"


plain = APIRouter(prefix="/v1", route_class=ServiceRoute, dependencies=[writes])


@plain.post("/echo")
async def echo(body: NewCase) -> CaseAnswer | None:
    return None


@plain.post("/small", openapi_extra=body_limit(100))
async def small(body: NewCase) -> None:
    """A route with a limit of its own."""


@plain.post("/cases:import", openapi_extra=body_limit(UNLIMITED))
async def import_cases(request: Request) -> Response:
    return await run_import(request, NewCase, apply_cases, id_field="case_id", chunk_lines=100)


async def apply_cases(session: Any, items: list[tuple[int, NewCase]]) -> Outcome:
    refused: dict[int, Sequence[FieldError]] = {
        n: [{"pointer": "/fail", "detail": "refused"}] for n, i in items if i.fail == "refuse"
    }
    if any(item.fail == "nul" for _, item in items):
        await session.execute(text("SELECT CAST(:v AS text)"), {"v": "a\0b"})
    values = [
        {
            "case_id": item.case_id or str(uuids.uuid7()),
            "customer_id": item.customer_id,
            "number": item.number or 0,
        }
        for number, item in items
        if number not in refused
    ]
    if not values:
        return Outcome(refused=refused)
    rows = await session.execute(
        insert(CASES).values(values).on_conflict_do_nothing().returning(CASES.c.case_id)
    )
    created = len(rows.all())
    return Outcome(created=created, unchanged=len(values) - created, refused=refused)


@pytest.fixture(scope="session")
async def database_url(postgres: EmbeddedPostgres) -> str:
    """One database for all of these tests."""
    postgres.create_database("http")
    engine = create_async_engine(postgres.url("http"))
    async with engine.begin() as connection:
        for statement in (
            *CREATE_EVENT_TABLES_V1,
            *CREATE_HTTP_TABLES_V1,
            *CREATE_HTTP_TABLES_V2,
            CREATE_CASES,
        ):
            await connection.execute(text(statement))
    await engine.dispose()
    return postgres.url("http")


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, source="/perennial/test", pool_size=8)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def settings(database_url: str) -> ServiceSettings:
    return ServiceSettings(
        service="test", database_url=database_url, admin_key_sha256=ADMIN_KEY_SHA256
    )


@pytest.fixture(scope="session")
def app(database: Database, settings: ServiceSettings) -> ServiceApp:
    return create_app(
        title="Cases", version="1", settings=settings, database=database, routers=[router, plain]
    )


@pytest.fixture(scope="session")
async def client(app: ServiceApp) -> AsyncIterator[httpx.AsyncClient]:
    async with served(app) as client:
        yield client


@pytest.fixture(autouse=True)
async def _nothing_left(database: Database, app: ServiceApp) -> None:
    async with database.transaction() as session:
        await session.execute(
            text("TRUNCATE cases, idempotency, api_keys, outbox, inbox, parked_events")
        )
    await app.runtime.keys.refresh()


Count = Callable[[], Awaitable[int]]


@pytest.fixture
def count_cases(database: Database) -> Count:
    async def count() -> int:
        async with database.reading() as session:
            return int(await session.scalar(select(func.count()).select_from(CASES)) or 0)

    return count


@pytest.fixture
def gate() -> asyncio.Event:
    return open_gate
