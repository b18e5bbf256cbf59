"""The verb of recommendations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from recommend_service.recommendations.reading import Visitor, read_candidates, read_visitor
from recommend_service.recommendations.rules import (
    TRENDING,
    Recommendation,
    Strategy,
    fill,
    rank,
    seeds_of,
)
from recommend_service.recommendations.trending import Wanted

GROUP = "recommend"
"""The consumer group whose progress says how fresh an answer is."""


@dataclass(frozen=True)
class Asked:
    """What is wanted, for whom: `strategies` in the order in which they fill up the answer."""

    customer_id: str | None
    anonymous_id: str | None
    skus: Sequence[str]
    strategies: Sequence[Strategy]
    limit: int


async def recommend(
    session: AsyncSession, asked: Asked, top: Sequence[Wanted], minimum_support: int
) -> tuple[list[Recommendation], Visitor]:
    """What to offer now, and to whom: in two statements, whatever is known of the visitor.

    `top` is what everybody wants, where the strategies include that.
    """
    visitor = await read_visitor(session, asked.customer_id, asked.anonymous_id, GROUP)
    points = dict(top)
    together, left = await read_candidates(
        session,
        identities=visitor.identities,
        asked=asked.skus,
        seeds=seeds_of(asked.skus, visitor.views, visitor.bought),
        wanted=list(points),
        strategies=asked.strategies,
        minimum_support=minimum_support,
        # Some of these may be recommended already by the strategies before.
        most=2 * asked.limit,
    )
    ranked: Mapping[Strategy, Sequence[Recommendation]] = {
        strategy: _trending(left, points) if strategy == TRENDING else rank(together, strategy)
        for strategy in asked.strategies
    }
    return fill(ranked, asked.strategies, asked.limit), visitor


def _trending(skus: Sequence[str], points: Mapping[str, float]) -> list[Recommendation]:
    return [Recommendation(sku, round(points[sku], 6), TRENDING) for sku in skus]
