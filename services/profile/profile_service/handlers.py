"""What `profile` subscribes to, and what follows from each event."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Clock, Event, Reaction, Received, Subscriptions
from perennial_events.catalogue import ErasureCompleted, OrderCancelled, OrderPaid, OrderRefunded
from perennial_events.catalogue.customers import MERGE
from perennial_events.identities import MERGES
from perennial_http import KEY_HANDLERS
from profile_service.customers.service import meet_customers
from profile_service.privacy.service import note_completed
from profile_service.segments.membership import follow_events
from profile_service.stages.rules import Thresholds
from profile_service.stages.service import review_stages
from profile_service.state.facts import GATHERERS, customers_of
from profile_service.state.projection import CUSTOMER_STATE
from profile_service.value_model.service import score_customers


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

    async def score(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        await score_customers(session, {event.customer_id for event, _ in batch}, clock())

    async def review_merged(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        both = {id for event, _ in batch for id in (event.customer_id, event.into_id)}
        await score_customers(session, both, clock())
        await review_stages(session, both, clock(), days, reason=MERGE)

    async def follow(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        await follow_events(session, batch, clock())

    return Subscriptions(
        handlers={**KEY_HANDLERS, ErasureCompleted: note_completed},
        projections=(CUSTOMER_STATE,),
        reactions=(
            Reaction("meet customers", tuple(GATHERERS), meet),
            Reaction("score customers", (OrderPaid, OrderCancelled, OrderRefunded), score),
            Reaction("review stages", (OrderPaid, OrderCancelled), review),
            Reaction("review stages of merged", MERGES, review_merged),
            # Last: rules see what the others made of the batch.
            Reaction("follow segments", tuple(GATHERERS), follow),
        ),
    )
