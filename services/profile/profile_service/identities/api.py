"""`/v1/customers/{id}/identities`, `…/merge`, `…/merges`, `…/contacts`, and `/v1/merges`."""

import re
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, ValidationInfo, field_validator
from sqlalchemy import or_, select

from perennial_events.values import ID_PATTERN
from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    Body,
    Id,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    fetch_page,
)
from profile_service.customers import search
from profile_service.customers.api import CustomerAnswer, page_of
from profile_service.customers.rules import normal_email, normal_phone
from profile_service.customers.search import TOLD
from profile_service.customers.service import whole_customers
from profile_service.identities import service
from profile_service.identities.models import Merge
from profile_service.identities.rules import identity_id

router = APIRouter(route_class=TransactionalRoute, tags=["identities"])

Kind = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")]


class IdentityBody(Body):
    kind: Kind
    """`anonymous_id`, `email` and `phone` are known; any other is the shop's own, as `loyalty_card`."""
    value: Annotated[str, Field(min_length=1, max_length=254)]

    @field_validator("value")
    @classmethod
    def _normal(cls, value: str, info: ValidationInfo) -> str:
        match info.data.get("kind"):
            case "email":
                return normal_email(value)
            case "phone":
                return normal_phone(value, None)
            case "anonymous_id" if re.fullmatch(ID_PATTERN, value) is None:
                raise ValueError("must be 1 to 64 characters of A-Z a-z 0-9 . _ : -")
        return value


class IdentityAnswer(Answer):
    identity_id: Id
    kind: str
    value: str
    customer_id: Id
    """The customer that it was said of, also where they were merged since."""
    added_at: Time


class MergeBody(Body):
    into: Id


class MergeAnswer(Answer):
    merge_id: Id
    customer_id: Id
    """Who was merged away; the id goes on answering, as the survivor."""
    into: Annotated[Id, Field(validation_alias="into_id")]
    merged_at: Time
    undone_at: Time | None


@router.post(
    "/v1/customers/{customer_id}/identities",
    status_code=201,
    dependencies=[Authorized("profile:write")],
)
async def add_identity(
    customer_id: Id, body: IdentityBody, session: Session, request: Request, response: Response
) -> IdentityAnswer:
    """What else the customer is known by. An anonymous id brings its past along, wherever it was seen."""
    identity = await service.add_identity(
        session, customer_id, body.kind, body.value, request.app.state.clock()
    )
    response.headers["Location"] = f"/v1/customers/{customer_id}/identities/{identity.identity_id}"
    return IdentityAnswer.model_validate(identity)


@router.get(
    "/v1/customers/{customer_id}/identities", dependencies=[Authorized("profile:read"), AFTER]
)
async def list_identities(
    customer_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> Page[IdentityAnswer]:
    """What the customer is known by beside their id and their details, the latest first."""
    whole = (await whole_customers(session, [customer_id]))[customer_id]
    found = service.known_identities([each.customer_id for each in whole])
    keyset = (found.c.added_at, found.c.kind, found.c.value)
    rows, cursor = await fetch_page(session, select(found), keyset, query)
    data = [
        IdentityAnswer(
            identity_id=identity_id(kind, value),
            kind=kind,
            value=value,
            customer_id=named,
            added_at=added_at,
        )
        for kind, value, named, added_at in rows
    ]
    return Page(data=data, next_cursor=cursor)


@router.delete(
    "/v1/customers/{customer_id}/identities/{identity_id}",
    status_code=204,
    dependencies=[Authorized("profile:write")],
)
async def remove_identity(
    customer_id: Id, identity_id: Id, session: Session, request: Request
) -> None:
    """The customer is not known by this any more; an anonymous past is nobody's again."""
    await service.remove_identity(session, customer_id, identity_id, request.app.state.clock())


@router.post(
    "/v1/customers/{customer_id}/merge",
    status_code=201,
    dependencies=[Authorized("profile:write")],
)
async def merge_customers(
    customer_id: Id, body: MergeBody, session: Session, request: Request, response: Response
) -> MergeAnswer:
    """This customer turns out to be another one. Every service follows within a second or two."""
    merge = await service.merge_customers(
        session, customer_id, body.into, request.app.state.clock()
    )
    response.headers["Location"] = f"/v1/merges/{merge.merge_id}"
    return MergeAnswer.model_validate(merge)


@router.get("/v1/merges/{merge_id}", dependencies=[Authorized("profile:read")])
async def get_merge(merge_id: Id, session: Session) -> MergeAnswer:
    """Who was merged into whom, and whether that still stands."""
    return MergeAnswer.model_validate(await service.get_merge(session, merge_id))


@router.post("/v1/merges/{merge_id}/undo", dependencies=[Authorized("profile:write")])
async def undo_merge(merge_id: Id, session: Session, request: Request) -> MergeAnswer:
    """Both customers are again what they would be without the merge, whatever happened since."""
    merge = await service.undo_merge(session, merge_id, request.app.state.clock())
    return MergeAnswer.model_validate(merge)


@router.get("/v1/customers/{customer_id}/merges", dependencies=[Authorized("profile:read")])
async def list_merges(
    customer_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> Page[MergeAnswer]:
    """The merges that this customer, or anybody merged into them, took part in, the latest first."""
    whole = (await whole_customers(session, [customer_id]))[customer_id]
    ids = [each.customer_id for each in whole]
    statement = select(Merge).where(or_(Merge.customer_id.in_(ids), Merge.into_id.in_(ids)))
    merges, cursor = await fetch_page(session, statement, (Merge.merged_at, Merge.merge_id), query)
    return Page(data=[MergeAnswer.model_validate(merge) for merge in merges], next_cursor=cursor)


@router.get("/v1/customers/{customer_id}/contacts", dependencies=[Authorized("profile:read")])
async def list_contacts(
    customer_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> Page[CustomerAnswer]:
    """The people of a company: the customers whose `company_id` names it, the latest first.

    A person has none.
    """
    whole = (await whole_customers(session, [customer_id]))[customer_id]
    of_company = TOLD.company_id.in_([each.customer_id for each in whole])
    return await page_of(session, search.survivors().where(search.known_by(of_company)), query)
