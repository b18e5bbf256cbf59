"""How often each product was viewed, put in a cart and ordered, by the hour."""

from collections import Counter
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from recommend_service.counts.tally import Tally

TRENDS = Tally("trends", {"hour": "timestamptz", "sku": "text"}, "views", "adds", "orders")

Hits = Counter[tuple[datetime, str]]
"""How often something happened, by hour and sku."""


def hour_of(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


async def count_trends(session: AsyncSession, *, views: Hits, adds: Hits, orders: Hits) -> None:
    keys = {**views, **adds, **orders}
    await TRENDS.add(session, {key: (views[key], adds[key], orders[key]) for key in keys})
