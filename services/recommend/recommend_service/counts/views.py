"""What is viewed together, and what each visitor viewed last."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Received, driver
from perennial_events.catalogue import Clicked
from recommend_service.counts.identities import identity
from recommend_service.counts.rules import Pair, RecentViews, pair, view
from recommend_service.counts.tally import Tally
from recommend_service.counts.trends import Hits, hour_of

VIEW_COUNTS = Tally("view_counts", {"sku": "text"}, "visits")
VIEW_PAIRS = Tally("view_pairs", {"sku": "text", "other": "text"}, "visits")

VIEWED, ADDED = "product_viewed", "product_added"

_RECENT = """
    SELECT identity, CAST(views AS text) FROM recent_views WHERE identity = ANY ($1::text[])
"""

_REMEMBER = """
    INSERT INTO recent_views (identity, views)
    SELECT * FROM unnest($1::text[], CAST($2::text[] AS jsonb[]))
    ON CONFLICT (identity) DO UPDATE SET views = excluded.views
"""


async def count_views(
    session: AsyncSession, clicks: Sequence[Received[Clicked]]
) -> tuple[Hits, Hits]:
    """Count what was viewed together by the same visitor; say what was viewed, and added, when.

    A product that is put in a cart is viewed by it.
    """
    hits: dict[str, Hits] = {VIEWED: Counter(), ADDED: Counter()}
    looks: list[tuple[str, str, int]] = []
    for click, envelope in clicks:
        if click.sku is None or click.name not in hits:
            continue
        hits[click.name][hour_of(envelope.time), click.sku] += 1
        who = identity(click.customer_id, click.anonymous_id)
        if who is not None:
            looks.append((who, click.sku, int(envelope.time.timestamp() * 1000)))
    if looks:
        await _count_together(session, looks)
    return hits[VIEWED], hits[ADDED]


async def _count_together(session: AsyncSession, looks: Sequence[tuple[str, str, int]]) -> None:
    """Follow each visitor's window through the batch, from where the last batch left it."""
    recent = await _recall(session, sorted({who for who, _, _ in looks}))
    counts: Counter[tuple[str]] = Counter()
    pairs: Counter[Pair] = Counter()
    for who, sku, at in looks:
        others = view(recent[who], sku, at)
        if others is not None:
            counts[(sku,)] += 1
            for other in others:
                pairs[pair(sku, other)] += 1
    await _remember(session, recent)
    await VIEW_COUNTS.add(session, {key: (number,) for key, number in counts.items()})
    await VIEW_PAIRS.add(session, {key: (number,) for key, number in pairs.items()})


async def _recall(session: AsyncSession, identities: Sequence[str]) -> dict[str, RecentViews]:
    recent: dict[str, RecentViews] = {who: {} for who in identities}
    rows = await (await driver(session)).fetch(_RECENT, identities)
    recent.update((who, json.loads(views)) for who, views in rows)
    return recent


async def _remember(session: AsyncSession, recent: Mapping[str, RecentViews]) -> None:
    connection = await driver(session)
    written = [json.dumps(views) for views in recent.values()]
    await connection.execute(_REMEMBER, list(recent), written)
