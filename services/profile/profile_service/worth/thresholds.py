"""The thresholds of tiers, segments and scores: where the shop's own buyers are divided.

They are stored, so that a customer is graded without a look at the others, and computed anew when they
would be off: when as many were measured since as 2 % of the buyers, or a day has passed. Then everybody
whose grade they change is graded anew.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver
from profile_service.worth.grading import SCORE, SEGMENT, TIER
from profile_service.worth.service import tell

GRADED_AT_ONCE = 1_000
"""So many events are made in one go, and nobody else is answered meanwhile."""

# A computation over 260,000 buyers takes about a second: it is to take no more than some hundredth of
# the time, also while a whole shop is imported. Whoever was measuring while the thresholds were
# computed has committed a minute later: one more look then.
_WANTED = text("""
    SELECT (
        computed_at IS NULL OR (
            computed_at <= CAST(:now AS timestamptz) - customers * interval '200 microseconds'
            AND (
                computed_at <= CAST(:now AS timestamptz) - interval '1 day'
                OR (SELECT count(*) FROM (
                        SELECT FROM worth WHERE changed_at > computed_at LIMIT 1 + customers / 50
                    ) AS measured) > customers / 50
                OR (regrade_from <= CAST(:now AS timestamptz) AND regrade_from > computed_at
                    AND EXISTS (
                        SELECT FROM worth WHERE changed_at > computed_at - interval '1 minute'))
            )
        )
    ) AND EXISTS (SELECT FROM worth WHERE frequency > 0)
    FROM value_thresholds FOR UPDATE SKIP LOCKED
""")

_COMPUTE = text("""
    UPDATE value_thresholds SET
        customers = n.customers,
        key_from = greatest(1, n.tiers[1]),
        major_from = greatest(1, n.tiers[2]),
        ordinary_from = greatest(1, n.tiers[3]),
        most_valuable_from = greatest(1, n.net_value),
        frequent_orders = greatest(2, n.frequent_orders),
        recency = n.recency, frequency = n.frequency, monetary = n.monetary,
        computed_at = :now, regrade_from = :now
    FROM (
        SELECT count(*) AS customers,
               percentile_disc(ARRAY[0.01, 0.05, 0.20]) WITHIN GROUP (ORDER BY margin_365d DESC) AS tiers,
               percentile_disc(0.20) WITHIN GROUP (
                   ORDER BY expected_margin - cost_to_serve DESC) AS net_value,
               percentile_disc(0.20) WITHIN GROUP (ORDER BY orders_365d DESC) AS frequent_orders,
               percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY last_order_at) AS recency,
               percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY frequency) AS frequency,
               percentile_disc(ARRAY[0.2, 0.4, 0.6, 0.8]) WITHIN GROUP (ORDER BY monetary) AS monetary
        FROM worth WHERE frequency > 0
    ) AS n
""")

# The grades are of the row as it is locked: what another transaction has measured meanwhile counts.
_REGRADE = f"""
    WITH moved AS MATERIALIZED (
        SELECT m.customer_id, m.value_segment, m.value_tier,
               {SCORE} AS score, {SEGMENT} AS segment, {TIER} AS tier
        FROM worth AS m CROSS JOIN value_thresholds AS t
        WHERE (m.score, m.value_segment, m.value_tier) IS DISTINCT FROM ({SCORE}, {SEGMENT}, {TIER})
        LIMIT $1 FOR UPDATE OF m SKIP LOCKED
    )
    UPDATE worth AS w SET score = g.score, value_segment = g.segment, value_tier = g.tier
    FROM moved AS g WHERE w.customer_id = g.customer_id
    RETURNING w.customer_id, g.value_segment AS previous_segment, g.segment,
              g.value_tier AS previous_tier, g.tier, w.margin_365d AS margin,
              w.expected_margin, w.cost_to_serve
"""  # noqa: S608 - put together from the constants above

_PENDING = text(
    "SELECT true FROM value_thresholds WHERE regrade_from <= :now FOR UPDATE SKIP LOCKED"
)

_NOTHING_LEFT = text("""
    UPDATE value_thresholds SET regrade_from = CASE
        WHEN regrade_from < computed_at + interval '1 minute' THEN computed_at + interval '1 minute' END
""")


async def review_base(session: AsyncSession, now: datetime) -> int:
    """Compute the thresholds where they would be off, or else grade anew whom the latest ones move, some
    at once. Returns 0 when nothing is left to do."""
    if (await session.execute(_WANTED, {"now": now})).scalar():
        await session.execute(_COMPUTE, {"now": now})
        return 1
    if not (await session.execute(_PENDING, {"now": now})).scalar():
        return 0
    rows = await (await driver(session)).fetch(_REGRADE, GRADED_AT_ONCE)
    if not rows:
        await session.execute(_NOTHING_LEFT)
    tell(session, rows, now, "thresholds")
    return len(rows)
