"""What may be sold, as the shop describes it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Received
from perennial_events.catalogue import ProductChanged

_DESCRIBE = text("""
    INSERT INTO products (sku, available)
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:available AS boolean[]))
    ON CONFLICT (sku) DO UPDATE SET available = excluded.available
    WHERE products.available <> excluded.available
""")


async def describe_products(
    session: AsyncSession, events: Sequence[Received[ProductChanged]]
) -> None:
    """The last word about each sku holds: the log keeps a sku's events in order."""
    available = {event.sku: event.available for event, _ in events}
    if available:
        skus = sorted(available)
        await session.execute(
            _DESCRIBE, {"skus": skus, "available": [available[sku] for sku in skus]}
        )
