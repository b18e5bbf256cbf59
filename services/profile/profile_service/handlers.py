"""What `profile` subscribes to, and what follows from each event."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Clock, Event, Reaction, Received, Subscriptions
from perennial_events.catalogue import (
    ComplaintOpened,
    MessageSent,
    OrderCancelled,
    OrderPaid,
    OrderRefunded,
    ReturnReceived,
)
from perennial_http import KEY_HANDLERS
from profile_service.customers.service import meet_customers
from profile_service.stages.rules import Thresholds
from profile_service.stages.service import review_stages
from profile_service.state.facts import GATHERERS, customers_of
from profile_service.state.projection import CUSTOMER_STATE
from profile_service.worth.rules import Costs
from profile_service.worth.service import review_worth

MOVE_WORTH = (
    ComplaintOpened, MessageSent, OrderCancelled, OrderPaid, OrderRefunded, ReturnReceived,
)  # fmt: skip


def subscriptions(clock: Clock, days: Thresholds, costs: Costs) -> Subscriptions:
    async def meet(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        await meet_customers(session, customers_of(batch))

    async def review(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        now = clock()
        for ids, imported in _live_and_past(batch):
            await review_stages(session, ids, now, days, imported=imported)

    async def measure(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
        now = clock()
        for ids, imported in _live_and_past(batch):
            await review_worth(session, ids, now, costs, "activity", imported=imported)

    return Subscriptions(
        handlers=KEY_HANDLERS,
        projections=(CUSTOMER_STATE,),
        reactions=(
            Reaction("meet customers", tuple(GATHERERS), meet),
            Reaction("review stages", (OrderPaid, OrderCancelled), review),
            Reaction("review worth", MOVE_WORTH, measure),
        ),
    )


def _live_and_past(batch: Sequence[Received[Any]]) -> Iterator[tuple[set[str], bool]]:
    """The customers to whom something happened now, and those of whom history was imported."""
    live = {event.customer_id for event, envelope in batch if not envelope.imported}
    past = {event.customer_id for event, _ in batch} - live
    for ids, imported in ((live, False), (past, True)):
        if ids:
            yield ids, imported
