"""Keep what every customer is worth: after each of their events, and as time and the model move on."""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver, emit
from perennial_events.catalogue import ValueChanged
from profile_service.worth.measuring import LOCK, MEASURE, MEET
from profile_service.worth.rules import Costs

REVIEWED_AT_ONCE = 1_000

Reason = Literal["activity", "expiry", "prediction", "thresholds", "merge"]

# Whoever answers to an id, and the id itself: a customer who was merged away is worth nothing of
# their own any more.
_RESOLVE = """
    SELECT customer_id FROM aliases WHERE identity = ANY ($1::text[]) AND customer_id IS NOT NULL
"""

_DUE = text("""
    SELECT customer_id FROM worth WHERE due_at <= :now
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
""")

_PREDICTED = text("""
    SELECT customer_id FROM worth AS w JOIN predictions AS p USING (customer_id)
    WHERE w.predicted_at IS DISTINCT FROM p.computed_at
    LIMIT :most FOR UPDATE OF w SKIP LOCKED
""")

_SEGMENTS = text("""
    SELECT value_segment, count(*), sum(margin_365d) FROM worth
    WHERE value_segment IS NOT NULL GROUP BY 1
""")

_TIERS = text("""
    SELECT value_tier, count(*), sum(margin_365d) FROM worth
    WHERE value_tier IS NOT NULL GROUP BY 1
""")


async def review_worth(
    session: AsyncSession,
    customer_ids: Collection[str],
    now: datetime,
    costs: Costs,
    reason: Reason,
    *,
    imported: bool = False,
) -> None:
    """Measure and grade these customers anew, and tell of those whose segment or tier changed."""
    connection = await driver(session)
    owners = await connection.fetch(_RESOLVE, list(customer_ids))
    ids = sorted({*customer_ids, *(owner["customer_id"] for owner in owners)})
    # The rows are locked before anything is read: of two that measure a customer at once, each with
    # facts that the other does not see yet, the second sees both.
    locked = {row["customer_id"] for row in await connection.fetch(LOCK, ids)}
    unmet = [id for id in ids if id not in locked]
    # Whom this meets, it holds. Whom somebody else met at the same moment it does not.
    if unmet and len(await connection.fetch(MEET, unmet)) < len(unmet):
        await connection.fetch(LOCK, ids)
    channels = costs.thousand_messages
    rows = await connection.fetch(
        MEASURE, ids, now, costs.case, costs.product_return, list(channels), list(channels.values())
    )
    tell(session, rows, now, reason, imported=imported)


def tell(
    session: AsyncSession,
    rows: Iterable[Mapping[str, Any]],
    now: datetime,
    reason: Reason,
    *,
    imported: bool = False,
) -> None:
    """Tell of the customers who stand in another segment or tier than before."""
    moved = [
        ValueChanged(**row, reason=reason)
        for row in rows
        if (row["previous_segment"], row["previous_tier"]) != (row["segment"], row["tier"])
    ]
    emit(session, *moved, at=now, imported=imported)


async def review_expired(session: AsyncSession, now: datetime, costs: Costs) -> int:
    """Review customers of whom something has left the last 365 days; return how many there were."""
    ids = (await session.scalars(_DUE, {"now": now, "most": REVIEWED_AT_ONCE})).all()
    if ids:
        await review_worth(session, ids, now, costs, "expiry")
    return len(ids)


async def review_predicted(session: AsyncSession, now: datetime, costs: Costs) -> int:
    """Review customers of whom the value model says something new; return how many there were."""
    ids = (await session.scalars(_PREDICTED, {"most": REVIEWED_AT_ONCE})).all()
    if ids:
        await review_worth(session, ids, now, costs, "prediction")
    return len(ids)


async def count_segments(session: AsyncSession) -> list[tuple[Any, int, int]]:
    """Each value segment with its customers, and the margin of their last 365 days."""
    return [tuple(row) for row in await session.execute(_SEGMENTS)]


async def count_tiers(session: AsyncSession) -> list[tuple[Any, int, int]]:
    """Each value tier with its customers, and the margin of their last 365 days."""
    return [tuple(row) for row in await session.execute(_TIERS)]
