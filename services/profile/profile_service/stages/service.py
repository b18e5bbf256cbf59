"""Keep every customer's stage: after each of their orders, and as time goes by."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from perennial_events.catalogue import StageChanged
from perennial_events.catalogue.customers import Stage
from profile_service.stages import rules
from profile_service.stages.rules import Standing, Thresholds
from profile_service.value_model.service import model_in_force

REVIEWED_AT_ONCE = 500

_BOUGHT = text("""
    SELECT customer_id, array_agg(coalesce(placed_at, paid_at) ORDER BY coalesce(placed_at, paid_at))
    FROM order_facts
    WHERE customer_id = ANY (CAST(:ids AS text[])) AND paid_at IS NOT NULL AND cancelled_at IS NULL
    GROUP BY customer_id
""")

_STAND = text("""
    SELECT customer_id, stage, won_back, due_at FROM stages
    WHERE customer_id = ANY (CAST(:ids AS text[])) ORDER BY customer_id FOR UPDATE
""")

_STORE = text("""
    INSERT INTO stages (customer_id, stage, won_back, due_at, since)
    SELECT *, CAST(:now AS timestamptz) FROM unnest(
        CAST(:ids AS text[]), CAST(:stages AS text[]), CAST(:won_back AS boolean[]),
        CAST(:due AS timestamptz[]))
    ON CONFLICT (customer_id) DO UPDATE SET
        stage = excluded.stage, won_back = excluded.won_back, due_at = excluded.due_at,
        since = CASE WHEN stages.stage = excluded.stage THEN stages.since ELSE excluded.since END
""")

_DUE = text("""
    SELECT customer_id FROM stages WHERE due_at < :now
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
""")

_COUNT = text("""
    SELECT coalesce(stages.stage, 'prospect') AS stage, count(*) AS customers
    FROM customers LEFT JOIN stages USING (customer_id) GROUP BY 1
""")


async def review_stages(
    session: AsyncSession,
    customer_ids: Collection[str],
    now: datetime,
    days: Thresholds,
    *,
    imported: bool = False,
) -> None:
    """Bring the stages of these customers up to date, and tell of those that changed."""
    model = await model_in_force(session)
    rhythm = model.bg_nbd if model is not None and model.identified else None
    ids = sorted(customer_ids)
    stood = {
        id: Standing(*standing) for id, *standing in await session.execute(_STAND, {"ids": ids})
    }
    bought: defaultdict[str, list[datetime]] = defaultdict(list)
    for id, times in await session.execute(_BOUGHT, {"ids": ids}):
        bought[id] = times
    stands = {id: rules.standing(bought[id], now, days, rhythm) for id in ids}
    changed = {id: s for id, s in stands.items() if s != stood.get(id, rules.PROSPECT)}
    if not changed:
        return
    await session.execute(
        _STORE,
        {
            "ids": list(changed),
            "stages": [standing.stage for standing in changed.values()],
            "won_back": [standing.won_back for standing in changed.values()],
            "due": [standing.due_at for standing in changed.values()],
            "now": now,
        },
    )
    for id, standing in changed.items():
        previous = stood.get(id, rules.PROSPECT).stage
        if standing.stage != previous:
            by = rules.reason(standing.stage, bought[id], rhythm)
            told = StageChanged(customer_id=id, previous=previous, stage=standing.stage, reason=by)
            emit(session, told, at=now, imported=imported)


async def review_due(session: AsyncSession, now: datetime, days: Thresholds) -> int:
    """Review the customers whose stage time has changed; return how many there were."""
    # First the model, then the stages, as everybody takes them: nobody waits in a ring.
    await model_in_force(session)
    rows = await session.scalars(_DUE, {"now": now, "most": REVIEWED_AT_ONCE})
    ids = rows.all()
    if ids:
        # The rule keeps a stage to the end of its last instant: look just behind it.
        await review_stages(session, ids, now + timedelta(microseconds=1), days)
    return len(ids)


async def count_stages(session: AsyncSession) -> dict[Stage, int]:
    """How many customers stand in each stage."""
    return dict(list(await session.execute(_COUNT)))
