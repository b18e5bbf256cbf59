"""`POST /v1/contacts:lookup`.

It is a read: an Idempotency-Key would answer with a permission of yesterday, so that it takes none.
"""

from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from perennial_http import (
    Answer,
    Authorized,
    Body,
    Id,
    ServiceRoute,
    Time,
    runtime_of,
)
from perennial_http.audit import entry
from profile_service.consents.models import Channel, Purpose
from profile_service.contacts import rules, service

router = APIRouter(route_class=ServiceRoute, tags=["contacts"])

LOOKUP = "/v1/contacts:lookup"


class LookupBody(Body):
    customer_ids: Annotated[list[Id], Field(min_length=1, max_length=500)]
    channel: Channel
    purpose: Purpose


class ContactAnswer(Answer):
    customer_id: Id
    address: str | None
    """Null where they must not be reached; a letter's has several lines."""
    reason: rules.Reason | None
    """Why there is no address."""
    consent: str | None
    """What they said last; null where they never did."""
    consent_at: Time | None
    name: str | None
    locale: str | None
    timezone: str | None


class ContactsAnswer(Answer):
    data: list[ContactAnswer]


def render(known: rules.Known, channel: Channel) -> ContactAnswer:
    found = rules.contact(known, channel)
    return ContactAnswer.model_construct(
        customer_id=known.customer_id,
        address=found.address,
        reason=found.reason,
        consent=known.status,
        consent_at=known.status_at,
        name=None if found.reason else known.name,
        locale=known.locale,
        timezone=known.timezone,
    )


@router.post(LOOKUP, dependencies=[Authorized("contacts:read")])
async def look_up_contacts(body: LookupBody, request: Request) -> ContactsAnswer:
    """Address and permission of up to 500 customers, each in its place: to be asked before each send."""
    runtime = runtime_of(request.scope)
    found = await service.look_up(runtime.database, body.customer_ids, body.channel, body.purpose)
    contacts = [render(known, body.channel) for known in found]
    told = [contact.customer_id for contact in contacts if contact.reason is None]
    if told:
        runtime.audit.noted(entry(request, "read", LOOKUP, told))
    return ContactsAnswer.model_construct(data=contacts)
