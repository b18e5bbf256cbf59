"""Which strategies a placement asks, how each of them scores, and what makes it into the answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Literal, NamedTuple

from recommend_service.errors import UnknownStrategy

Placement = Literal["home", "product", "cart", "order", "email"]
Strategy = Literal["also_bought", "also_viewed", "trending"]

ALSO_BOUGHT: Strategy = "also_bought"
ALSO_VIEWED: Strategy = "also_viewed"
TRENDING: Strategy = "trending"
STRATEGIES: tuple[Strategy, ...] = (ALSO_BOUGHT, ALSO_VIEWED, TRENDING)

PLANNED = ("for_you", "cross_sell", "up_sell", "repeat", "reactivate", "new")
"""Strategies of the contract that nothing here can answer for yet."""

# Beside goods, what is bought along with them; to somebody who looks around, what others looked at.
# What everybody wants comes last: it knows nothing of this visitor.
_BOUGHT_FIRST: tuple[Strategy, ...] = (ALSO_BOUGHT, ALSO_VIEWED, TRENDING)
PLACEMENTS: Mapping[Placement, tuple[Strategy, ...]] = {
    "home": _BOUGHT_FIRST,
    "product": _BOUGHT_FIRST,
    "cart": _BOUGHT_FIRST,
    "order": _BOUGHT_FIRST,
    "email": _BOUGHT_FIRST,
}

SEEDS = 10
"""From so many products, at most, it is concluded what else is wanted."""
REASONS = 3
"""So many of them, at most, are named for a recommendation."""

VIEW_WEIGHT, ADD_WEIGHT, ORDER_WEIGHT = 1, 3, 10
"""What a view, a putting into the cart and an order are worth to a trend."""
HALF_LIFE_HOURS = 24
TREND_HOURS = 7 * 24
"""After seven half-lives less than 1 % of an hour's weight is left."""


class Together(NamedTuple):
    """How often `sku` met `seed`, and how often each of them was there at all."""

    strategy: Strategy
    sku: str
    seed: str
    together: int
    seed_count: int
    sku_count: int


@dataclass(frozen=True)
class Recommendation:
    sku: str
    score: float
    strategy: Strategy
    because: tuple[str, ...] = ()


def strategies_of(placement: Placement, asked: str | None) -> tuple[Strategy, ...]:
    """The strategies to ask, in the order in which they fill up the answer.

    Raises `UnknownStrategy` for one that cannot be asked for (yet).
    """
    if asked is None:
        return PLACEMENTS[placement]
    chosen = tuple(each for each in STRATEGIES if each == asked)
    if not chosen:
        raise UnknownStrategy(asked, STRATEGIES, planned=asked in PLANNED)
    return chosen


def seeds_of(
    asked: Sequence[str], views: Iterable[Mapping[str, int]], bought: Iterable[str]
) -> list[str]:
    """The products to start from: those asked about, otherwise what this visitor last saw and bought.

    `views` holds for each of the visitor's identities when it viewed what; `bought` begins with the
    latest order. Half of the places are for what was bought, as far as there is enough of both.
    """
    if asked:
        return list(dict.fromkeys(asked))
    latest: dict[str, int] = {}
    for seen in views:
        for sku, at in seen.items():
            latest[sku] = max(at, latest.get(sku, at))
    viewed = sorted(latest, key=lambda sku: (-latest[sku], sku))[:SEEDS]
    owned = [sku for sku in dict.fromkeys(bought) if sku not in viewed][:SEEDS]
    room = max(SEEDS // 2, SEEDS - len(owned))
    return (viewed[:room] + owned)[:SEEDS]


def cosine(together: int, one: int, other: int) -> float:
    """How much two products go together: 1 if neither is ever there without the other.

    count(a, b) / sqrt(count(a) * count(b)), as in Linden, Smith & York 2003 (item-to-item). Unlike
    the bare count it does not recommend what is in every basket anyway.
    """
    return together / sqrt(one * other) if one and other else 0.0


def rank(found: Iterable[Together], strategy: Strategy) -> list[Recommendation]:
    """Score each product by the sum of its cosines to the seeds; the best first, ties by sku."""
    by_sku: dict[str, list[tuple[float, str]]] = {}
    for each in found:
        if each.strategy == strategy:
            score = cosine(each.together, each.seed_count, each.sku_count)
            by_sku.setdefault(each.sku, []).append((-score, each.seed))
    ranked = [
        Recommendation(
            sku=sku,
            score=round(-sum(score for score, _ in sorted(reasons)), 6),
            strategy=strategy,
            because=tuple(seed for _, seed in sorted(reasons)[:REASONS]),
        )
        for sku, reasons in by_sku.items()
    ]
    return sorted(ranked, key=lambda each: (-each.score, each.sku))


def fill(
    ranked: Mapping[Strategy, Sequence[Recommendation]],
    order: Iterable[Strategy],
    limit: int,
) -> list[Recommendation]:
    """Up to `limit` products: each strategy in turn, the best first, none twice."""
    chosen: dict[str, Recommendation] = {}
    for strategy in order:
        for each in ranked.get(strategy, ()):
            chosen.setdefault(each.sku, each)
    return list(chosen.values())[:limit]
