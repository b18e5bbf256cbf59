"""Who answers to an id, by the merges that stand: what the owner of customers knows at once.

Derived reads (state, timeline, stages, other services) go by `aliases`, which follow the events.
"""

from collections.abc import Collection

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

# Up to the survivor of each id asked about, and down again to all who were merged into them. The
# nearest come first, and of those the earliest.
_STANDING = text("""
    WITH RECURSIVE up AS (
        SELECT id COLLATE "C" AS asked, id COLLATE "C" AS customer_id, 0 AS step
        FROM unnest(CAST(:ids AS text[])) AS id
        UNION ALL
        SELECT asked, merges.into_id, step + 1 FROM up JOIN merges USING (customer_id)
        WHERE merges.undone_at IS NULL
    ), down AS (
        SELECT asked, customer_id, 0 AS step, CAST(NULL AS timestamptz) AS merged_at
        FROM (SELECT DISTINCT ON (asked) asked, customer_id FROM up ORDER BY asked, step DESC) AS ends
        UNION ALL
        SELECT asked, merges.customer_id, step + 1, merges.merged_at
        FROM down JOIN merges ON merges.into_id = down.customer_id
        WHERE merges.undone_at IS NULL
    )
    SELECT asked, array_agg(customer_id ORDER BY step, merged_at, customer_id) AS identities
    FROM down GROUP BY asked
""")


async def standing_identities(
    session: AsyncSession, customer_ids: Collection[str]
) -> dict[str, list[str]]:
    """For each id the customer who answers to it: their own id first, then all merged into them."""
    rows = await session.execute(_STANDING, {"ids": list(set(customer_ids))})
    return {row.asked: row.identities for row in rows}


async def standing_survivor(session: AsyncSession, customer_id: str) -> str:
    """Who answers to this id."""
    return (await standing_identities(session, [customer_id]))[customer_id][0]
