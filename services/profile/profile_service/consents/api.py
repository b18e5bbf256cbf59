"""`/v1/customers/{id}/consents`: what is allowed, and how that came about."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from perennial_events.values import Code
from perennial_http import (
    PERSONAL,
    Answer,
    Authorized,
    Body,
    FreeForm,
    Id,
    IfMatch,
    Page,
    PageQuery,
    Session,
    Text,
    Time,
    TransactionalRoute,
    check_if_match,
    etag,
    fetch_page,
)
from profile_service.consents import service
from profile_service.consents.models import Channel, Consent, Purpose, Status

router = APIRouter(route_class=TransactionalRoute, tags=["consents"])


class ConsentBody(Body):
    status: Status
    source: Code
    """Where the customer said so, such as `checkout`."""
    proof: Text | FreeForm | None = None
    """What shows it: a text, or an object such as the form's version, the wording, the address."""


class ConsentAnswer(Answer):
    customer_id: Id
    """The id that it was said under; another one than was asked about where the two were merged."""
    channel: Channel
    purpose: Purpose
    status: Status
    source: str
    proof: Any
    at: Time


class ConsentsAnswer(Answer):
    data: list[ConsentAnswer]


@router.put(
    "/v1/customers/{customer_id}/consents/{channel}/{purpose}",
    dependencies=[Authorized("profile:write"), PERSONAL],
)
async def put_consent(
    customer_id: Id,
    channel: Channel,
    purpose: Purpose,
    body: ConsentBody,
    session: Session,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ConsentAnswer:
    """The customer allows this, or does no longer. The next look-up acts on it."""
    said = await service.lock_consent(session, customer_id, channel, purpose)
    check_if_match(if_match, said.version)
    consent = Consent(
        customer_id=customer_id,
        channel=channel,
        purpose=purpose,
        status=body.status,
        source=body.source,
        proof=body.proof,
        at=request.app.state.clock(),
    )
    said = await service.record_consent(session, consent, said)
    response.headers["ETag"] = etag(said.version)
    return ConsentAnswer.model_validate(said.holds)


@router.get(
    "/v1/customers/{customer_id}/consents", dependencies=[Authorized("profile:read"), PERSONAL]
)
async def get_consents(customer_id: Id, session: Session) -> ConsentsAnswer:
    """What holds now. What is not listed was never allowed."""
    consents = await service.current_consents(session, customer_id)
    return ConsentsAnswer(data=[ConsentAnswer.model_validate(each) for each in consents])


@router.get(
    "/v1/customers/{customer_id}/consents/{channel}/{purpose}",
    dependencies=[Authorized("profile:read"), PERSONAL],
)
async def get_consent(
    customer_id: Id, channel: Channel, purpose: Purpose, session: Session, response: Response
) -> ConsentAnswer:
    """What holds now for this channel and purpose."""
    consent, version = await service.get_consent(session, customer_id, channel, purpose)
    response.headers["ETag"] = etag(version)
    return ConsentAnswer.model_validate(consent)


class HistoryQuery(PageQuery):
    channel: Channel | None = None
    purpose: Purpose | None = None


@router.get(
    "/v1/customers/{customer_id}/consents/history",
    dependencies=[Authorized("profile:read"), PERSONAL],
)
async def get_consent_history(
    customer_id: Id, query: Annotated[HistoryQuery, Query()], session: Session
) -> Page[ConsentAnswer]:
    """Everything the customer ever said about it, the latest first."""
    ids = await service.known_ids(session, customer_id)
    statement = select(Consent).where(Consent.customer_id.in_(ids))
    if query.channel is not None:
        statement = statement.where(Consent.channel == query.channel)
    if query.purpose is not None:
        statement = statement.where(Consent.purpose == query.purpose)
    keyset = (Consent.at, Consent.channel, Consent.purpose, Consent.version, Consent.customer_id)
    consents, cursor = await fetch_page(session, statement, keyset, query)
    data = [ConsentAnswer.model_validate(each) for each in consents]
    return Page(data=data, next_cursor=cursor)
