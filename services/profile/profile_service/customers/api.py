"""`/v1/customers`: their bodies, their answers, their routes."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, Self

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationInfo, field_validator, model_validator
from sqlalchemy import Select, func
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.values import Code
from perennial_http import (
    PERSONAL,
    UNLIMITED,
    Answer,
    Authorized,
    Body,
    Country,
    FieldError,
    FreeForm,
    Id,
    IfMatch,
    Language,
    Money,
    Outcome,
    Page,
    PageQuery,
    ServiceRoute,
    Session,
    Time,
    TransactionalRoute,
    Zone,
    body_limit,
    check_if_match,
    etag,
    fetch_page,
    run_import,
)
from perennial_http.audit import entry, write_entries
from profile_service.customers import rules, search, service
from profile_service.customers.models import Customer, Kind
from profile_service.customers.search import TOLD
from profile_service.identities.rules import filled, version_of

router = APIRouter(route_class=TransactionalRoute, tags=["customers"])
imports = APIRouter(route_class=ServiceRoute, tags=["customers"])

Name = Annotated[str, Field(min_length=1, max_length=200)]
BirthDate = Annotated[date, Field(strict=False, ge=date(1900, 1, 1))]


_ERASED_LINE: FieldError = {
    "pointer": "/customer_id",
    "detail": "is of a customer who was erased; the same person is a new customer, under a new id",
}


class Acquisition(Body):
    """Where the customer came from, and what that cost."""

    channel: Code
    campaign: Code | None = None
    cost: Money | None = None


class Details(Body):
    """What can be told of a customer. Country stands first: phone and postcode are read by it."""

    country: Country | None = None
    kind: Kind = "person"
    company_id: Id | None = None
    email: Annotated[str | None, Field(max_length=254)] = None
    phone: Annotated[str | None, Field(max_length=40)] = None
    name: Name | None = None
    locale: Language | None = None
    timezone: Zone | None = None
    postcode: Annotated[str | None, Field(max_length=12)] = None
    birth_date: BirthDate | None = None
    attributes: FreeForm = Field(default_factory=dict)
    acquisition: Acquisition | None = None

    @field_validator("email")
    @classmethod
    def _email(cls, value: str | None) -> str | None:
        return None if value is None else rules.normal_email(value)

    @field_validator("phone")
    @classmethod
    def _phone(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else rules.normal_phone(value, info.data.get("country"))

    @field_validator("postcode")
    @classmethod
    def _postcode(cls, value: str | None, info: ValidationInfo) -> str | None:
        return None if value is None else rules.normal_postcode(value, info.data.get("country"))

    def columns(self, *, only_sent: bool = False) -> dict[str, Any]:
        return self.model_dump(exclude={"customer_id"}, exclude_unset=only_sent, mode="python")


class CustomerBody(Details):
    customer_id: Id | None = None


class CustomerLine(Details):
    """A line of an import."""

    customer_id: Id


class CustomerPatch(Details):
    """Only what is sent changes; null removes."""

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send at least one field to change")
        return self


class CustomerAnswer(Answer):
    customer_id: Id
    registered: bool
    """False for a customer that was only met in another service's event."""
    kind: Kind
    company_id: str | None
    email: str | None
    phone: str | None
    name: str | None
    locale: str | None
    timezone: str | None
    country: str | None
    postcode: str | None
    birth_date: date | None
    attributes: dict[str, Any]
    acquisition: dict[str, Any] | None
    created_at: Time


def render(whole: Sequence[Customer]) -> CustomerAnswer:
    """The survivor, with what they take over from those merged into them."""
    survivor = whole[0]
    return CustomerAnswer(
        customer_id=survivor.customer_id,
        kind=survivor.kind,
        created_at=survivor.created_at,
        **filled(whole),
    )


@router.post("/v1/customers", status_code=201, dependencies=[Authorized("profile:write"), PERSONAL])
async def register_customer(
    body: CustomerBody, session: Session, request: Request, response: Response
) -> CustomerAnswer:
    """Introduce a customer. One that was only met in events so far is filled in."""
    customer_id = body.customer_id or str(uuids.uuid7())
    customer = await service.register_customer(
        session, customer_id, body.columns(), request.app.state.clock()
    )
    await session.flush()
    response.headers["Location"] = f"/v1/customers/{customer_id}"
    response.headers["ETag"] = etag(customer.version)
    return render([customer])


@router.get("/v1/customers/{customer_id}", dependencies=[Authorized("profile:read"), PERSONAL])
async def get_customer(customer_id: Id, session: Session, response: Response) -> CustomerAnswer:
    """The customer; to the id of one who was merged into another, that other answers."""
    whole = (await service.whole_customers(session, [customer_id]))[customer_id]
    response.headers["ETag"] = etag(version_of(whole))
    return render(whole)


@router.patch("/v1/customers/{customer_id}", dependencies=[Authorized("profile:write"), PERSONAL])
async def update_customer(
    customer_id: Id,
    body: CustomerPatch,
    session: Session,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> CustomerAnswer:
    """Change what is known of a customer, or of whom they were merged into."""
    customer = await service.lock_survivor(session, customer_id)
    whole = (await service.whole_customers(session, [customer_id]))[customer_id]
    check_if_match(if_match, version_of(whole))
    changes = body.columns(only_sent=True)
    await service.update_customer(session, customer, changes, request.app.state.clock())
    response.headers["ETag"] = etag(version_of(whole))
    return render(whole)


class CustomersQuery(PageQuery):
    email: Annotated[str | None, Field(max_length=254)] = None
    phone: Annotated[str | None, Field(max_length=40)] = None
    anonymous_id: Id | None = None
    identity: Annotated[str | None, Field(pattern=r"^[a-z][a-z0-9_]{0,31}:[^\x00]{1,254}$")] = None
    """An identity that was added, as `kind:value`."""
    q: Annotated[str | None, Field(min_length=1, max_length=100)] = None
    """The beginning of a name."""


@router.get("/v1/customers", dependencies=[Authorized("profile:read"), PERSONAL])
async def list_customers(
    query: Annotated[CustomersQuery, Query()], session: Session
) -> Page[CustomerAnswer]:
    """Customers, the latest first; or those with an e-mail, a phone, an anonymous past, a name.

    Who was merged into another is found in that other.
    """
    statement = search.survivors()
    if query.email is not None:
        email = _or_as_it_is(rules.normal_email, query.email)
        statement = statement.where(
            search.known_by(search.told_or_added(TOLD.email, "email", email))
        )
    if query.phone is not None:
        statement = statement.where(
            search.known_by(search.told_or_added(TOLD.phone, "phone", query.phone))
        )
    if query.anonymous_id is not None:
        statement = statement.where(search.visited_as(query.anonymous_id))
    if query.identity is not None:
        kind, _, value = query.identity.partition(":")
        statement = statement.where(search.known_by(search.added(kind, value)))
    if query.q is not None:
        beginning = func.lower(TOLD.name).startswith(query.q.lower(), autoescape=True)
        statement = statement.where(search.known_by(beginning))
    return await page_of(session, statement, query)


async def page_of(
    session: AsyncSession, statement: Select[Customer], query: PageQuery
) -> Page[CustomerAnswer]:
    """A page of these customers, the latest first."""
    keyset = (Customer.created_at, Customer.customer_id)
    customers, cursor = await fetch_page(session, statement, keyset, query)
    ids = [customer.customer_id for customer in customers]
    whole = await service.whole_customers(session, ids)
    return Page(data=[render(whole[id]) for id in ids], next_cursor=cursor)


def _or_as_it_is(normal: Any, value: str) -> str:
    """What is looked for need not be valid: then nobody has it."""
    try:
        return str(normal(value))
    except ValueError:
        return value


@imports.post(
    "/v1/customers:import",
    dependencies=[Authorized("profile:write")],
    openapi_extra=body_limit(UNLIMITED),
)
async def import_customers(request: Request) -> Response:
    """Many customers at once, as NDJSON. One that is registered already stays as it is."""
    now = request.app.state.clock()

    async def apply(session: AsyncSession, lines: Sequence[tuple[int, CustomerLine]]) -> Outcome:
        described: dict[str, dict[str, Any]] = {}
        for _, line in lines:
            described.setdefault(line.customer_id, line.columns())
        new = await service.register_customers(session, described, now)
        operation = "/v1/customers:import"
        await write_entries(session, [entry(request, "changed", operation, sorted(new))])
        erased = await service.erased_among(session, described)
        refused = {number: [_ERASED_LINE] for number, line in lines if line.customer_id in erased}
        return Outcome(len(new), len(lines) - len(new) - len(refused), refused)

    return await run_import(request, CustomerLine, apply, id_field="customer_id")
