"""The verbs of opportunities."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import OpportunityExists, UnknownOpportunity
from orders_service.opportunities import rules
from orders_service.opportunities.models import Opportunity
from perennial_events import emit
from perennial_http import Invalid


async def open_opportunity(session: AsyncSession, opportunity: Opportunity) -> None:
    """Raises `OpportunityExists`."""
    session.add(opportunity)
    try:
        await session.flush()
    except IntegrityError:
        raise OpportunityExists(opportunity.opportunity_id) from None
    emit(session, *opportunity.open(), at=opportunity.opened_at)


async def get_opportunity(session: AsyncSession, opportunity_id: str) -> Opportunity:
    found = await session.get(Opportunity, opportunity_id)
    if found is None:
        raise UnknownOpportunity(opportunity_id)
    return found


async def lock_opportunity(session: AsyncSession, opportunity_id: str) -> Opportunity:
    found = await session.get(Opportunity, opportunity_id, with_for_update=True)
    if found is None:
        raise UnknownOpportunity(opportunity_id)
    return found


async def check_opportunity(session: AsyncSession, opportunity_id: str, pointer: str) -> None:
    """Raise `Invalid` at `pointer` unless there is such an opportunity."""
    if await session.get(Opportunity, opportunity_id) is None:
        raise Invalid.field(pointer, "there is no such opportunity")


async def change_opportunity(
    session: AsyncSession, opportunity: Opportunity, changes: Mapping[str, Any]
) -> None:
    """Note what is known better now. The opportunity's row is locked."""
    for column, value in changes.items():
        setattr(opportunity, column, value)
    await session.flush()


async def move_opportunity(
    session: AsyncSession, opportunity_id: str, stage: rules.Stage, now: datetime
) -> Opportunity:
    """Bring it to another stage of the pipeline."""
    opportunity = await lock_opportunity(session, opportunity_id)
    emit(session, *opportunity.move(stage, now), at=now)
    return opportunity


async def win_opportunity(
    session: AsyncSession, opportunity_id: str, value: int, currency: str, now: datetime
) -> None:
    """A quote for it was accepted: it is won, and worth what was ordered. One that is closed stays so."""
    opportunity = await lock_opportunity(session, opportunity_id)
    if opportunity.closed_at is None:
        opportunity.value, opportunity.currency = value, currency
        emit(session, *opportunity.move("won", now), at=now)
