"""Which strategies a placement asks with what weights, and what makes it into the answer."""

import hashlib
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Literal, NamedTuple

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


class Pick(NamedTuple):
    """A product that made it into the answer."""

    item: int
    score: float
    strategy: Strategy
    propensity: float = 1.0


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
    ranked: Sequence[tuple[int, float]], categories: Sequence[int], limit: int
) -> list[tuple[int, float]]:
    """Up to `limit` of the products, chosen one after another so that no category takes everything.

    They are given with their scores, the best first, and beside each its category, below 0 where it
    has none. The scores that they come with are those by which they were chosen.
    """
    # What a product is worth only falls: one that was lowered in vain comes up again in its new place.
    left = [(-score, place, 0) for place, (_, score) in enumerate(ranked)]
    chosen: list[tuple[int, float]] = []
    taken: Counter[int] = Counter()
    while left and len(chosen) < limit:
        worth, place, lowered = heappop(left)
        item, score = ranked[place]
        before = taken[categories[place]] if categories[place] >= 0 else 0
        if before > lowered:
            heappush(left, (-score * DIVERSITY**before, place, before))
            continue
        chosen.append((item, -worth))
        taken[categories[place]] += 1
    return chosen


def drafted(
    ranked: Mapping[Strategy, Sequence[tuple[int, float]]], limit: int, shares: Iterable[float]
) -> list[Pick]:
    """An exploring answer: for each place a strategy is drawn, all that still offer alike.

    `shares` are numbers from 0 to 1, one a place. The propensity of each place is kept with it.
    """
    left = {name: deque(offers) for name, offers in ranked.items()}
    taken: set[int] = set()
    chosen: list[Pick] = []
    for _, share in zip(range(limit), shares, strict=False):
        for offers in left.values():
            while offers and offers[0][0] in taken:
                offers.popleft()
        names = sorted(name for name, offers in left.items() if offers)
        if not names:
            break
        name = names[min(int(share * len(names)), len(names) - 1)]
        item, score = left[name].popleft()
        taken.add(item)
        chosen.append(Pick(item, score, name, 1 / len(names)))
    return chosen
