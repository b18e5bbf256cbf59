"""What `profile` subscribes to, and what follows from each event."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Clock, Event, Reaction, Received, Subscriptions
from perennial_events.catalogue import (
    ComplaintOpened,
    ErasureCompleted,
    MessageSent,
    OrderCancelled,
    OrderPaid,
    OrderPriced,
    OrderRefunded,
    ReturnReceived,
)
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
from profile_service.value_model.service import model_in_force, score_customers
from profile_service.worth.rules import Costs
from profile_service.worth.service import review_worth

MOVE_STAGES = (OrderPaid, OrderCancelled)
MOVE_PREDICTIONS = (*MOVE_STAGES, OrderPriced, OrderRefunded)
MOVE_WORTH = (
    ComplaintOpened, MessageSent, OrderCancelled, OrderPaid, OrderPriced, OrderRefunded, ReturnReceived,
)  # fmt: skip


def subscriptions(clock: Clock, days: Thresholds, costs: Costs) -> Subscriptions:
    async def meet(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        await meet_customers(session, customers_of(batch))

    async def review(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        now, model = clock(), await model_in_force(session)
        await score_customers(session, model, {event.customer_id for event, _ in batch}, now)
        moved = [received for received in batch if isinstance(received.event, MOVE_STAGES)]
        for ids, imported in _live_and_past(moved):
            await review_stages(session, model, ids, now, days, imported=imported)

    async def review_merged(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        now, model = clock(), await model_in_force(session)
        both = _both_of(batch)
        await score_customers(session, model, both, now)
        await review_stages(session, model, both, now, days, reason=MERGE)

    async def measure(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        now = clock()
        if merged := _both_of(
            [received for received in batch if isinstance(received.event, MERGES)]
        ):
            await review_worth(session, merged, now, costs, MERGE)
        moved = [received for received in batch if isinstance(received.event, MOVE_WORTH)]
        for ids, imported in _live_and_past(moved):
            await review_worth(session, ids, now, costs, "activity", imported=imported)

    async def follow(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        await follow_events(session, batch, clock())

    return Subscriptions(
        handlers={**KEY_HANDLERS, ErasureCompleted: note_completed},
        projections=(CUSTOMER_STATE,),
        reactions=(
            Reaction("meet customers", tuple(GATHERERS), meet),
            Reaction("score and stage customers", MOVE_PREDICTIONS, review),
            Reaction("score and stage merged customers", MERGES, review_merged),
            Reaction("review worth", (*MOVE_WORTH, *MERGES), measure),
            # Last: rules see what the others made of the batch.
            Reaction("follow segments", tuple(GATHERERS), follow),
        ),
    )


def _live_and_past(batch: Sequence[Received[Any]]) -> Iterator[tuple[set[str], bool]]:
    """The customers to whom something happened now, and those of whom history was imported."""
    live = {event.customer_id for event, envelope in batch if not envelope.imported}
    past = {event.customer_id for event, _ in batch} - live
    for ids, imported in ((live, False), (past, True)):
        if ids:
            yield ids, imported


def _both_of(merges: Sequence[Received[Any]]) -> set[str]:
    """Whoever was merged or parted, and with whom."""
    return {id for event, _ in merges for id in (event.customer_id, event.into_id)}
