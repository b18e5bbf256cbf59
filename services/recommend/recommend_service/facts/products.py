"""What may be sold, as the shop describes it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from perennial_events import Received
from perennial_events.catalogue import ProductChanged

_DESCRIBE = """
    INSERT INTO products (sku, available, name, category, price, runs_out_days, described_at)
    SELECT * FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::bigint[],
                         $6::integer[], $7::timestamptz[])
    ON CONFLICT (sku) DO UPDATE SET available = excluded.available, name = excluded.name,
        category = excluded.category, price = excluded.price,
        runs_out_days = excluded.runs_out_days
"""


async def describe_products(connection: Any, events: Sequence[Received[ProductChanged]]) -> None:
    """The last word about each sku holds: the log keeps a sku's events in order."""
    last: dict[str, ProductChanged] = {}
    first: dict[str, datetime] = {}
    for event, envelope in events:
        last[event.sku] = event
        first.setdefault(event.sku, envelope.time)
    if last:
        skus = sorted(last)
        told = [last[sku] for sku in skus]
        await connection.execute(
            _DESCRIBE,
            skus,
            [each.available for each in told],
            [each.name for each in told],
            [each.category for each in told],
            [each.price for each in told],
            # A shop may state any number; one beyond these is as good as never.
            [_within(each.replenish_after_days) for each in told],
            [first[sku] for sku in skus],
        )


def _within(days: int | None) -> int | None:
    return days if days is None or 0 < days <= 36_500 else None
