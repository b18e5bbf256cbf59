"""The verbs of outcomes: store them, sum them up, and let the blend's weights follow."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver, reading_driver
from perennial_http import Invalid
from recommend_service.errors import DecisionNotFound
from recommend_service.facts.projection import write_journal
from recommend_service.outcomes.rules import Place, Tried, Worth, weights_from, worth

KEPT = timedelta(days=90)
COUNTED = "30 days"
"""Figures and weights are of so long."""
MOST_PLACES = 200_000
LEARNT = "learnt"

_STORE = """
    INSERT INTO outcomes (decision_id, sku, kind, at)
    SELECT $1, sku, kind, at FROM unnest($2::text[], $3::text[], $4::timestamptz[])
        AS told (sku, kind, at)
    ON CONFLICT DO NOTHING
"""

# A place is one product of one answer. A purchase counts as a success too: it says more than a click.
_PLACES = f"""
    SELECT d.placement, place.strategy, d.exploring, place.propensity,
           coalesce(bool_or(o.kind = 'clicked'), false) AS clicked,
           coalesce(bool_or(o.kind = 'purchased'), false) AS purchased
    FROM decisions d
    CROSS JOIN LATERAL unnest(d.skus, d.strategies, d.propensities)
        AS place (sku, strategy, propensity)
    LEFT JOIN outcomes o USING (decision_id, sku)
    WHERE d.at > $1::timestamptz - interval '{COUNTED}' AND NOT d.holdout
    GROUP BY d.decision_id, d.placement, place.sku, place.strategy, d.exploring, place.propensity
"""  # noqa: S608 - put together from the constant above

_FIGURES = f"""
    SELECT placement, strategy, exploring, count(*) AS shown,
           count(*) FILTER (WHERE clicked) AS clicked, count(*) FILTER (WHERE purchased) AS purchased
    FROM ({_PLACES}) AS places GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""  # noqa: S608 - as above

# Of customers alone, under all ids that are theirs: only they can order. Whoever was held out under one
# id and not under another, before these were merged, is neither.
_HOLDOUT = f"""
    WITH asked AS (
        SELECT coalesce(a.customer_id, d.identity) AS customer_id,
               bool_or(holdout) AS holdout, min(d.at) AS first_at
        FROM decisions d LEFT JOIN aliases a USING (identity)
        WHERE d.at > $1::timestamptz - interval '{COUNTED}'
            AND d.identity IS NOT NULL AND d.identity NOT LIKE '~%'
        GROUP BY 1 HAVING bool_or(holdout) = bool_and(holdout)
    )
    SELECT holdout, count(*) AS customers, count(*) FILTER (WHERE EXISTS (
        SELECT FROM baskets b WHERE NOT b.cancelled AND b.placed_at >= asked.first_at
            AND b.customer_id = ANY (ARRAY(
                SELECT asked.customer_id UNION ALL
                SELECT identity FROM aliases WHERE aliases.customer_id = asked.customer_id)))
        ) AS bought
    FROM asked GROUP BY holdout
"""  # noqa: S608 - as above

_WEIGH = """
    INSERT INTO blends (placement, weights, source, decisions, changed_at)
    SELECT placement, weights::jsonb, $3, decisions, $5
    FROM unnest($1::text[], $2::text[], $4::bigint[]) AS told (placement, weights, decisions)
    ON CONFLICT (placement) DO UPDATE SET weights = excluded.weights, source = excluded.source,
        decisions = excluded.decisions, changed_at = excluded.changed_at
    WHERE blends.weights <> excluded.weights AND (blends.source = 'learnt' OR excluded.source <> 'learnt')
    RETURNING placement
"""


class Outcome(NamedTuple):
    sku: str
    kind: str
    at: datetime


async def store_outcomes(
    session: AsyncSession, recommendation_id: str, outcomes: Sequence[Outcome]
) -> None:
    """Store what became of one answer; what was told before changes nothing.

    Raises `DecisionNotFound`, and `Invalid` for a product that was not in it.
    """
    try:
        decision_id = UUID(recommendation_id)
    except ValueError:
        raise DecisionNotFound(recommendation_id) from None
    connection = await driver(session)
    skus = await connection.fetchval(
        "SELECT skus FROM decisions WHERE decision_id = $1", decision_id
    )
    if skus is None:
        raise DecisionNotFound(recommendation_id)
    for place, outcome in enumerate(outcomes):
        if outcome.sku not in skus:
            raise Invalid.field(
                f"/outcomes/{place}/sku", f"{outcome.sku} was not among those recommended"
            )
    await connection.execute(_STORE, decision_id, *zip(*outcomes, strict=True))


async def figures(session: AsyncSession, now: datetime) -> list[Any]:
    """Shown, clicked and purchased places, by placement, strategy and whether they were explored."""
    return list(await (await reading_driver(session)).fetch(_FIGURES, now))


async def holdout(session: AsyncSession, now: datetime) -> dict[bool, tuple[int, int]]:
    """Customers and how many of them bought, without (True) and with recommendations."""
    rows = await (await reading_driver(session)).fetch(_HOLDOUT, now)
    return {held: (customers, bought) for held, customers, bought in rows}


async def estimate(
    session: AsyncSession, placement: str, weights: dict[str, float], now: datetime
) -> Worth:
    """What these weights would reach at this placement, from its explored places."""
    rows = await (await reading_driver(session)).fetch(
        f"SELECT strategy, propensity, clicked OR purchased FROM ({_PLACES}) AS places"  # noqa: S608 - ours
        " WHERE exploring AND placement = $2 LIMIT $3",
        now,
        placement,
        MOST_PLACES,
    )
    return worth([Place(*row) for row in rows], weights)


async def set_weights(
    session: AsyncSession, placement: str, weights: dict[str, float], now: datetime
) -> None:
    """Switch a blend on by hand: nothing that is learnt replaces it."""
    connection = await driver(session)
    await connection.execute(_WEIGH, [placement], [json.dumps(weights)], "set", [0], now)
    await write_journal(session, {"shop": [placement]})


async def learn_weights(session: AsyncSession, now: datetime) -> int:
    """Let the weights of each placement follow from its explored places; return how many changed."""
    connection = await driver(session)
    tried: dict[str, dict[str, Tried]] = {}
    for placement, strategy, exploring, shown, clicked, _ in await connection.fetch(_FIGURES, now):
        if exploring:
            tried.setdefault(placement, {})[strategy] = Tried(shown, clicked)
    learnt = {placement: weights_from(each) for placement, each in tried.items()}
    rows = [
        (placement, json.dumps(weights), sum(each.trials for each in tried[placement].values()))
        for placement, weights in sorted(learnt.items())
        if weights is not None
    ]
    if rows:
        placements, weights, counts = zip(*rows, strict=True)
        changed = await connection.fetch(_WEIGH, placements, weights, LEARNT, counts, now)
        if changed:
            await write_journal(session, {"shop": [row["placement"] for row in changed]})
    return 0


async def forget_old(session: AsyncSession, now: datetime) -> int:
    """Let go of decisions and outcomes that are too old to learn from; return how many."""
    connection = await driver(session)
    gone = await connection.fetch(
        "DELETE FROM decisions WHERE decision_id IN ("
        " SELECT decision_id FROM decisions WHERE at < $1 LIMIT 5000) RETURNING decision_id",
        now - KEPT,
    )
    if gone:
        await connection.execute(
            "DELETE FROM outcomes WHERE decision_id = ANY ($1)",
            [row["decision_id"] for row in gone],
        )
    return len(gone)
