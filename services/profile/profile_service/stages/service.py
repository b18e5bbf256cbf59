"""Keep every customer's stage: after each of their orders, and as time goes by."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from perennial_events.catalogue import StageChanged
from perennial_events.catalogue.customers import Stage
from perennial_events.identities import survivors_of
from profile_service.stages import rules
from profile_service.stages.rules import Standing, Thresholds
from profile_service.value_model.rules import Model
from profile_service.value_model.service import model_in_force

REVIEWED_AT_ONCE = 500

_BOUGHT = text("""
    SELECT mine.customer_id,
           array_agg(coalesce(placed_at, paid_at) ORDER BY coalesce(placed_at, paid_at))
    FROM (
        SELECT id COLLATE "C" AS customer_id, id COLLATE "C" AS identity
        FROM unnest(CAST(:ids AS text[])) AS id
        UNION ALL
        SELECT customer_id, identity FROM aliases WHERE customer_id = ANY (CAST(:ids AS text[]))
    ) AS mine JOIN order_facts ON order_facts.customer_id = mine.identity
    WHERE paid_at IS NOT NULL AND cancelled_at IS NULL
    GROUP BY mine.customer_id
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

# Who was merged away stands where they stood: the undoing looks at them again.
_DUE = text("""
    SELECT customer_id FROM stages WHERE due_at < :now
      AND NOT EXISTS (SELECT FROM aliases WHERE identity = stages.customer_id)
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
""")

_COUNT = text("""
    SELECT coalesce(stages.stage, 'prospect') AS stage, count(*) AS customers
    FROM customers LEFT JOIN stages USING (customer_id)
    WHERE erased_at IS NULL
      AND NOT EXISTS (SELECT FROM aliases WHERE identity = customers.customer_id) GROUP BY 1
""")


async def review_stages(
    session: AsyncSession,
    model: Model | None,
    customer_ids: Collection[str],
    now: datetime,
    days: Thresholds,
    *,
    reason: str | None = None,
    imported: bool = False,
) -> None:
    """Bring the stages of these customers, or of whom they were merged into, up to date by the model in
    force; tell of those that changed, by the rule that changed them unless a `reason` is given."""
    rhythm = model.bg_nbd if model is not None and model.identified else None
    ids = sorted(set((await survivors_of(session, customer_ids)).values()))
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
            by = reason or rules.reason(standing.stage, bought[id], rhythm)
            told = StageChanged(customer_id=id, previous=previous, stage=standing.stage, reason=by)
            emit(session, told, at=now, imported=imported)


async def review_due(session: AsyncSession, now: datetime, days: Thresholds) -> int:
    """Review the customers whose stage time has changed; return how many there were."""
    # First the model, then the stages, as everybody takes them: nobody waits in a ring.
    model = await model_in_force(session)
    rows = await session.scalars(_DUE, {"now": now, "most": REVIEWED_AT_ONCE})
    ids = rows.all()
    if ids:
        # The rule keeps a stage to the end of its last instant: look just behind it.
        await review_stages(session, model, ids, now + timedelta(microseconds=1), days)
    return len(ids)


async def count_stages(session: AsyncSession) -> dict[Stage, int]:
    """How many customers stand in each stage."""
    return dict(list(await session.execute(_COUNT)))
