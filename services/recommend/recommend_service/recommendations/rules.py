"""Which strategies a placement asks with what weights, and what makes it into the answer."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from perennial_http import Invalid
from recommend_service.strategies.offers import STRATEGIES, Strategy

Placement = Literal["home", "product", "cart", "order", "email"]

WEIGHTS: Mapping[Placement, Mapping[Strategy, float]] = {
    "home": {
        "also_viewed": 1.0,
        "repeat": 0.8,
        "reactivate": 0.8,
        "for_you": 0.3,
        "also_bought": 0.3,
        "new": 0.1,
        "trending": 0.05,
    },
    "product": {"also_bought": 1.0, "also_viewed": 0.7, "up_sell": 0.4, "trending": 0.02},
    "cart": {"cross_sell": 0.6, "also_bought": 1.0, "also_viewed": 0.5, "trending": 0.02},
    "order": {"also_bought": 1.0, "cross_sell": 0.6, "also_viewed": 0.5, "trending": 0.02},
    "email": {
        "repeat": 1.0,
        "reactivate": 1.0,
        "also_viewed": 0.7,
        "for_you": 0.5,
        "also_bought": 0.4,
        "new": 0.2,
        "trending": 0.05,
    },
}
"""What each strategy's evened scores count for, until the shop's own outcomes say better."""

DIVERSITY = 0.85
"""Each product of a category lowers the next one of that category to this share of its score."""
REASONS = 3
"""So many products, at most, are named for a recommendation."""


@dataclass(frozen=True)
class Recommendation:
    sku: str
    score: float
    strategy: Strategy
    because: tuple[str, ...] = ()
    propensity: float = 1.0
    """With which probability this strategy had this place."""


def strategies_of(
    placement: Placement, asked: str | None, weights: Mapping[str, Mapping[str, float]]
) -> Mapping[Strategy, float]:
    """The strategies to ask, with their weights. Raises `Invalid` for one that is none."""
    if asked is None:
        stated = weights.get(placement, WEIGHTS[placement])
        return {name: stated[name] for name in STRATEGIES if stated.get(name, 0.0) > 0}
    chosen: dict[Strategy, float] = {name: 1.0 for name in STRATEGIES if name == asked}
    if not chosen:
        raise Invalid.parameter(
            "strategy",
            f"{asked} is no strategy; ask for one of {', '.join(STRATEGIES)}, or leave the parameter"
            " out and get what fits the placement",
        )
    return chosen


def share_of(salt: str, who: str, at: datetime | None = None) -> float:
    """A number from 0 to 1 that is always the same for somebody, or changes with the hour of `at`."""
    hour = "" if at is None else f"{at:%Y%m%d%H}"
    digest = hashlib.blake2b(f"{salt} {who} {hour}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def diverse(
    ranked: Sequence[Recommendation], category_of: Mapping[str, int], limit: int
) -> list[Recommendation]:
    """Up to `limit` of them, chosen one after another so that no category takes everything."""
    left, chosen = list(ranked[: 4 * limit]), list[Recommendation]()
    taken: dict[int, int] = {}

    def worth(each: Recommendation) -> float:
        return float(each.score * DIVERSITY ** taken.get(category_of.get(each.sku, -1), 0))

    while left and len(chosen) < limit:
        best = max(left, key=worth)
        left.remove(best)
        chosen.append(replace(best, score=round(worth(best), 6)))
        category = category_of.get(best.sku, -1)
        if category >= 0:
            taken[category] = taken.get(category, 0) + 1
    return chosen


def drafted(
    ranked: Mapping[Strategy, Sequence[Recommendation]], limit: int, shares: Iterable[float]
) -> list[Recommendation]:
    """An exploring answer: for each place a strategy is drawn, all that still offer alike.

    `shares` are numbers from 0 to 1, one a place. The propensity of each place is kept with it.
    """
    left = {name: list(each) for name, each in ranked.items() if each}
    chosen: list[Recommendation] = []
    for _, share in zip(range(limit), shares, strict=False):
        skus = {each.sku for each in chosen}
        left = {name: [o for o in offers if o.sku not in skus] for name, offers in left.items()}
        left = {name: offers for name, offers in left.items() if offers}
        if not left:
            break
        names = sorted(left)
        name = names[min(int(share * len(names)), len(names) - 1)]
        chosen.append(replace(left[name][0], propensity=1 / len(names)))
    return chosen
