"""The two reads of a recommendation: who asks, and what goes with what they like."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.identities import anonymous
from recommend_service.counts.rules import RecentViews
from recommend_service.recommendations.rules import ALSO_BOUGHT, ALSO_VIEWED, Strategy, Together

LATEST_ORDERS = 5

SHORTLIST = 50
"""Of what goes with one seed, so many are looked at closely."""

# Freshness is that of the consumer group: whatever it applied last may be behind the answer.
_VISITOR = text("""
    WITH customer AS (
        SELECT coalesce(
            (SELECT customer_id FROM aliases WHERE identity = CAST(:customer AS text)),
            CAST(:customer AS text),
            (SELECT customer_id FROM aliases WHERE identity = CAST(:anonymous AS text))) AS id
    ), identities AS (
        SELECT id AS identity FROM customer WHERE id IS NOT NULL
        UNION SELECT identity FROM aliases JOIN customer ON aliases.customer_id = customer.id
        UNION SELECT CAST(:anonymous AS text) WHERE CAST(:anonymous AS text) IS NOT NULL
    ), latest AS (
        SELECT skus, placed_at, order_id FROM baskets
        WHERE customer_id = ANY (ARRAY(SELECT identity FROM identities))
          AND skus IS NOT NULL AND NOT cancelled
        ORDER BY placed_at DESC, order_id LIMIT :orders
    ), bought AS (
        SELECT sku, placed_at, order_id, place FROM latest, unnest(skus) WITH ORDINALITY AS line (sku, place)
    )
    SELECT ARRAY(SELECT identity FROM identities),
           (SELECT array_agg(CAST(views AS text)) FROM recent_views JOIN identities USING (identity)),
           (SELECT array_agg(sku ORDER BY placed_at DESC, order_id, place) FROM bought),
           applied.applied_at, applied.lag_ms
    FROM (SELECT) AS one LEFT JOIN (
        SELECT applied_at, lag_ms FROM offsets WHERE consumer_group = :consumer_group AND next_offset > 0
        ORDER BY applied_at DESC LIMIT 1
    ) AS applied ON true
""")

# Availability is asked of the best only: the scalar query runs for each row that the LIMIT takes.
_GOES_WITH = """
    SELECT '{strategy}', found.*
    FROM unnest(CAST(:seeds AS text[])) AS seed (sku)
    JOIN {counts} AS seed_counts USING (sku)
    CROSS JOIN LATERAL (
        SELECT * FROM (
            SELECT pairs.sku, seed.sku AS seed, pairs.together, seed_counts.{count}, own.{count}
            FROM (
                SELECT other AS sku, {count} AS together FROM {pairs} WHERE sku = seed.sku
                UNION ALL
                SELECT sku, {count} FROM {pairs} WHERE other = seed.sku
            ) AS pairs JOIN {counts} AS own USING (sku)
            WHERE together >= :support AND pairs.sku NOT IN (SELECT sku FROM excluded)
            ORDER BY CAST(together AS double precision) * together / own.{count} DESC, pairs.sku
            OFFSET 0
        ) AS ranked
        WHERE (SELECT available FROM products WHERE products.sku = ranked.sku) IS NOT FALSE
        LIMIT :shortlist
    ) AS found
    WHERE '{strategy}' = ANY(CAST(:strategies AS text[]))
"""

_CANDIDATES = text(f"""
    WITH excluded AS MATERIALIZED (
        SELECT unnest(CAST(:asked AS text[])) COLLATE "C" AS sku
        UNION SELECT unnest(skus) FROM baskets WHERE customer_id = ANY(CAST(:identities AS text[])) AND NOT cancelled
        UNION SELECT sku FROM returned WHERE customer_id = ANY(CAST(:identities AS text[]))
    )
    {_GOES_WITH.format(strategy=ALSO_BOUGHT, pairs="basket_pairs", counts="basket_counts", count="baskets")}
    UNION ALL
    {_GOES_WITH.format(strategy=ALSO_VIEWED, pairs="view_pairs", counts="view_counts", count="visits")}
    UNION ALL
    (SELECT 'trending', wanted.sku, NULL, NULL, NULL, NULL
    FROM unnest(CAST(:wanted AS text[])) WITH ORDINALITY AS wanted (sku, place)
    WHERE wanted.sku NOT IN (SELECT sku FROM excluded)
      AND NOT EXISTS (SELECT FROM products p WHERE p.sku = wanted.sku AND NOT p.available)
    ORDER BY place LIMIT :most)
""")  # noqa: S608 - put together from the constants above


class Visitor(NamedTuple):
    """Who asks, with what they last viewed and bought, and how far the events are applied."""

    identities: list[str]
    """All that are known to be theirs: the customer, merged ones, anonymous visits."""
    views: list[RecentViews]
    """One for each of the visitor's identities."""
    bought: list[str]
    """The products of the latest orders, the last one's first."""
    applied_at: datetime | None
    lag_ms: int


async def read_visitor(
    session: AsyncSession, customer_id: str | None, anonymous_id: str | None, group: str
) -> Visitor:
    """The visitor under all identities that are known to be theirs.

    An anonymous id that was identified stands for its customer, unless another customer is named.
    """
    row = (
        await session.execute(
            _VISITOR,
            {
                "customer": customer_id,
                "anonymous": anonymous(anonymous_id) if anonymous_id is not None else None,
                "orders": LATEST_ORDERS,
                "consumer_group": group,
            },
        )
    ).one()
    identities, views, bought, applied_at, lag_ms = row
    return Visitor(
        identities,
        [json.loads(each) for each in views or ()],
        bought or [],
        applied_at,
        lag_ms or 0,
    )


async def read_candidates(
    session: AsyncSession,
    *,
    identities: Sequence[str],
    asked: Sequence[str],
    seeds: Sequence[str],
    wanted: Sequence[str],
    strategies: Sequence[Strategy],
    minimum_support: int,
    most: int,
) -> tuple[list[Together], list[str]]:
    """What goes with the seeds, and which of the `wanted` products are left, up to `most` of them.

    Nothing that this customer bought or gave back, nothing that was asked about, and nothing that is
    not available is among them. A sku that was never described counts as available.
    """
    rows = await session.execute(
        _CANDIDATES,
        {
            "identities": identities,
            "asked": asked,
            "seeds": seeds,
            "wanted": wanted,
            "strategies": strategies,
            "support": minimum_support,
            "shortlist": SHORTLIST,
            "most": most,
        },
    )
    found = rows.all()
    together = [Together(*row) for row in found if row[2] is not None]
    return together, [row[1] for row in found if row[2] is None]
