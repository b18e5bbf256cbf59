"""What is wanted now, by everybody: read once for all visitors of the next moment."""

from asyncio import Lock
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from recommend_service.recommendations.rules import (
    ADD_WEIGHT,
    HALF_LIFE_HOURS,
    ORDER_WEIGHT,
    TREND_HOURS,
    VIEW_WEIGHT,
)

KEPT_FOR = timedelta(seconds=1)
KEPT_PRODUCTS = 500
"""Enough to fill an answer also for somebody who bought most of what is popular."""

# Hours are weighed by their distance from the newest one that has passed. Since decay by half-lives
# changes every score alike as time goes on, the ranking is the same as if weighed from now; and a shop
# that was quiet for weeks, or whose history was just imported, still has something to show.
_TOP = text("""
    WITH newest AS (SELECT max(hour) AS hour FROM trends WHERE hour <= :now)
    SELECT sku, sum(
        (views * CAST(:view AS integer) + adds * CAST(:add AS integer)
            + orders * CAST(:order AS integer))
        * power(0.5, CAST(extract(epoch FROM newest.hour - trends.hour) AS double precision)
            / 3600 / CAST(:half_life AS double precision)))
    FROM newest JOIN trends ON trends.hour <= newest.hour
        AND trends.hour > newest.hour - make_interval(hours => :hours)
    WHERE NOT EXISTS (SELECT FROM products WHERE products.sku = trends.sku AND NOT available)
    GROUP BY sku ORDER BY 2 DESC, sku LIMIT :most
""")


class Wanted(NamedTuple):
    sku: str
    points: float
    """The sum of views, adds and orders by their weights, halved for each day that they are old."""


class Trending:
    """The ranking, at most a second old. It is the same for everybody, and too much to add up for each
    request; what a single visitor must not be shown is left out later."""

    def __init__(self) -> None:
        self._top: list[Wanted] = []
        self._read_at: datetime | None = None
        self._begun = self._completed = 0
        self._reading = Lock()

    async def top(
        self, session: AsyncSession, now: datetime, *, anew: bool = False
    ) -> list[Wanted]:
        """The products most wanted at `now`, the first most; `anew`: with all that is applied."""
        if not anew and self._read_at is not None:
            fresh = timedelta(0) <= now - self._read_at < KEPT_FOR
            # While one request reads, the others do not queue behind it.
            if fresh or self._reading.locked():
                return self._top
        arrived = self._begun
        async with self._reading:
            # A reading that began since holds all that this request may ask for.
            if self._completed <= arrived:
                self._begun += 1
                self._top = await _read_top(session, now)
                self._read_at, self._completed = now, self._begun
            return self._top


async def _read_top(session: AsyncSession, now: datetime) -> list[Wanted]:
    rows = await session.execute(
        _TOP,
        {
            "now": now,
            "view": VIEW_WEIGHT,
            "add": ADD_WEIGHT,
            "order": ORDER_WEIGHT,
            "half_life": HALF_LIFE_HOURS,
            "hours": TREND_HOURS,
            "most": KEPT_PRODUCTS,
        },
    )
    return [Wanted(*row) for row in rows]
