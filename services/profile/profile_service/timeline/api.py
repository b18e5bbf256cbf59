"""`GET /v1/customers/{id}/timeline`: everything that happened, newest first, from every service."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select

from perennial_events.identities import identities_of
from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    Id,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    fetch_page,
)
from profile_service.customers.service import get_customer
from profile_service.timeline.models import TIMELINE

router = APIRouter(route_class=TransactionalRoute, tags=["timeline"])


class TimelineEntry(Answer):
    at: Time
    type: str
    id: UUID
    data: dict[str, Any]


@router.get(
    "/v1/customers/{customer_id}/timeline", dependencies=[Authorized("profile:read"), AFTER]
)
async def get_timeline(
    customer_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> Page[TimelineEntry]:
    """The customer's events, and those of every visitor and customer that turned out to be them."""
    await get_customer(session, customer_id)
    of = TIMELINE.c
    identities = await identities_of(session, customer_id)
    statement = select(of.at, of.type, of.event_id, of.data).where(of.identity.in_(identities))
    rows, cursor = await fetch_page(session, statement, (of.at, of.event_id), query)
    entries = [TimelineEntry(at=at, type=type_, id=id, data=data) for at, type_, id, data in rows]
    return Page(data=entries, next_cursor=cursor)
