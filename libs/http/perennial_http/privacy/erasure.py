"""A service's part in erasing somebody: what it does upon the event, and again for what came later."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Handlers, Received, Timer, emit
from perennial_events.catalogue import CustomerErased, ErasureCompleted
from perennial_http.privacy.holdings import Erased, Holding, erase, remember_erased

SWEPT_FOR = timedelta(days=180)
"""Parcels of an erased customer may still arrive, and goods come back: for so long it is looked after."""

_LATELY_ERASED = text("SELECT customer_id FROM erased_customers WHERE erased_at > :since")


def erasure_handlers(service: str, holdings: Sequence[Holding]) -> Handlers:
    """For a service's subscriptions: upon `customer_erased` it erases, and tells that it is done."""

    async def on_customer_erased(
        session: AsyncSession, events: Sequence[Received[CustomerErased]]
    ) -> None:
        erased = [
            Erased(identity, event.erasure_id, envelope.time)
            for event, envelope in events
            for identity in event.identities
        ]
        await remember_erased(session, erased)
        await erase(session, holdings, {each.customer_id for each in erased})
        emit(
            session,
            *(
                ErasureCompleted(
                    customer_id=event.customer_id, erasure_id=event.erasure_id, service=service
                )
                for event, _ in events
            ),
        )

    return {CustomerErased: on_customer_erased}


def sweep(holdings: Sequence[Holding]) -> Timer:
    """For a service's timers: erase what was written about an erased customer after all.

    That is what was being written at that very moment, and what fulfilling their last orders brings:
    the place where a parcel was handed over, the reason why goods come back.
    """

    async def due(session: AsyncSession, now: datetime) -> int:
        lately = await session.scalars(_LATELY_ERASED, {"since": now - SWEPT_FOR})
        if ids := lately.all():
            await erase(session, holdings, ids)
        return 0

    return Timer("erasures", 60.0, due)
