"""What `profile` subscribes to, and what follows from each event."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Clock, Event, Reaction, Received, Subscriptions
from perennial_events.catalogue import OrderCancelled, OrderPaid
from perennial_http import KEY_HANDLERS
from profile_service.customers.service import meet_customers
from profile_service.segments.membership import follow_events
from profile_service.stages.rules import Thresholds
from profile_service.stages.service import review_stages
from profile_service.state.facts import GATHERERS, customers_of
from profile_service.state.projection import CUSTOMER_STATE


def subscriptions(clock: Clock, days: Thresholds) -> Subscriptions:
    async def meet(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        await meet_customers(session, customers_of(batch))

    async def review(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        live = {event.customer_id for event, envelope in batch if not envelope.imported}
        past = {event.customer_id for event, _ in batch} - live
        now = clock()
        if live:
            await review_stages(session, live, now, days)
        if past:
            await review_stages(session, past, now, days, imported=True)

    async def follow(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        await follow_events(session, batch, clock())

    return Subscriptions(
        handlers=KEY_HANDLERS,
        projections=(CUSTOMER_STATE,),
        reactions=(
            Reaction("meet customers", tuple(GATHERERS), meet),
            Reaction("review stages", (OrderPaid, OrderCancelled), review),
            # Last: rules see what the others made of the batch.
            Reaction("follow segments", tuple(GATHERERS), follow),
        ),
    )
