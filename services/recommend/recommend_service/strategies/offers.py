"""What each strategy offers to a visitor: the one place where models and strategies' names meet."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from recommend_service.strategies import (
    content,
    ladder,
    neighbours,
    reactivate,
    repeat,
    together,
    trending,
)
from recommend_service.strategies.scored import NOTHING, Floats, Ints, Scored, joined, latest
from recommend_service.strategies.taste import NO_TASTE, Taste, liked
from recommend_service.strategies.visits import Visits

Strategy = Literal[
    "for_you",
    "also_bought",
    "also_viewed",
    "cross_sell",
    "up_sell",
    "repeat",
    "reactivate",
    "trending",
    "new",
]

SEEDS = 10
"""From so many products, at most, it is concluded what else is wanted."""
NOBODY = np.empty(0, np.int32)
NO_PURCHASES = repeat.Purchases(NOBODY, np.empty(0), NOBODY)


@dataclass
class Goods:
    """The catalogue in arrays, by product number."""

    category: Ints = field(default_factory=lambda: NOBODY)
    """A number for each category, below 0 where the product has none."""
    price: Floats = field(default_factory=lambda: np.empty(0))
    runs_out: Floats = field(default_factory=lambda: np.empty(0))
    """Seconds after which the shop says that a product runs out; NaN where it says nothing."""
    words: dict[int, frozenset[str]] = field(default_factory=dict)
    described_at: dict[int, float] = field(default_factory=dict)
    """The products that are new, or were when they were described."""
    _new: content.NewProducts | None = None
    _changed: bool = False
    _stands_until: float = 0.0
    """Until then, by the process's own clock, the index stands although products were described."""

    def describe(self, item: int, words: frozenset[str], described_at: float | None) -> None:
        """What a product is, in words, and since when; None where it is not new."""
        self.words[item] = words
        if described_at is not None:
            self.described_at[item] = described_at
        self._changed = True

    def new(self) -> content.NewProducts:
        """The index of the new products: made when it is asked for, for a twentieth of the time at most."""
        began = time.monotonic()
        if self._new is None or (self._changed and began >= self._stands_until):
            self._new = content.indexed(self.described_at, self.words)
            self._changed, ended = False, time.monotonic()
            self._stands_until = ended + 20 * (ended - began)
        return self._new


@dataclass
class Models:
    """All that is learnt, in memory. What is refitted is replaced; the rest follows every event."""

    sessions: Visits
    orders: Visits
    trend: trending.Trend
    comebacks: reactivate.Comebacks
    goods: Goods = field(default_factory=Goods)
    taste: Taste = NO_TASTE
    rhythms: repeat.Rhythms = repeat.UNKNOWN
    support: int = 2


@dataclass(eq=False)
class Question:
    """Who asks, and about what. What several strategies conclude from is worked out once."""

    now: float
    seeds: Ints = field(default_factory=lambda: NOBODY)
    """The products asked about: the one that is looked at, or those in the cart."""
    session: Ints = field(default_factory=lambda: NOBODY)
    """What the visitor viewed, the oldest first."""
    purchases: repeat.Purchases = NO_PURCHASES
    _met: list[together.Meetings] | None = field(default=None, init=False, repr=False)
    _seen: list[neighbours.Seen] | None = field(default=None, init=False, repr=False)
    _since: repeat.Elapsed | None = field(default=None, init=False, repr=False)

    @cached_property
    def starts(self) -> Ints:
        """The products to conclude from: those asked about, or else the latest viewed and bought."""
        if len(self.seeds):
            return self.seeds
        viewed = latest(self.session, SEEDS)
        bought = latest(self.purchases.items, SEEDS)
        bought = bought[~np.isin(bought, viewed)]
        room = max(SEEDS // 2, SEEDS - len(bought))
        return np.concatenate([viewed[:room], bought])[:SEEDS]

    def bought_with(self, models: Models) -> list[together.Meetings]:
        """What was bought with each of the products to start from."""
        if self._met is None:
            self._met = together.meetings(
                models.orders, self.starts, self.now, support=models.support
            )
        return self._met

    @property
    def looked_at(self) -> Ints:
        """The products that a session goes on from: those asked about, or else all that were viewed."""
        return self.seeds if len(self.seeds) else self.session

    def seen_with(self, models: Models) -> list[neighbours.Seen]:
        """What was viewed in one session with each of the latest that were looked at."""
        if self._seen is None:
            self._seen = neighbours.seen_with(models.sessions, self.looked_at)
        return self._seen

    def since_bought(self, models: Models) -> repeat.Elapsed:
        """How much of its rhythm has passed for each product that they bought."""
        if self._since is None:
            self._since = repeat.elapsed(
                self.purchases, self.now, models.rhythms, models.goods.runs_out
            )
        return self._since


def _for_you(models: Models, question: Question) -> Scored:
    items, times = np.unique(question.purchases.items, return_counts=True)
    viewed = np.unique(np.concatenate([question.session, question.seeds]))
    history = np.concatenate([items.astype(np.int32), viewed.astype(np.int32)])
    weights = np.concatenate([np.log1p(times), np.full(len(viewed), np.log(2.0))])
    return liked(models.taste, history, weights)


def _also_viewed(models: Models, question: Question) -> Scored:
    return neighbours.after(models.sessions, question.looked_at)


def _also_bought(models: Models, question: Question) -> Scored:
    return together.together(question.bought_with(models))


def _cross_sell(models: Models, question: Question) -> Scored:
    cart = question.starts
    known = cart[cart < len(models.goods.category)]
    found = together.together(question.bought_with(models))
    within = found.items < len(models.goods.category)
    placed = Scored(found.items[within], found.scores[within])
    return together.crossing(placed, models.goods.category, known)


def _up_sell(models: Models, question: Question) -> Scored:
    goods = models.goods
    if not len(goods.category) or not len(question.starts):
        return NOTHING
    found = []
    for seed in question.starts[:3].tolist():
        dearest = _dearest(goods, question.purchases.items, seed)
        found.append(ladder.steps_up(seed, goods.category, goods.price, models.trend.of, dearest))
    return joined(found)


def _dearest(goods: Goods, bought: Ints, seed: int) -> float | None:
    if seed >= len(goods.category):
        return None
    bought = bought[bought < len(goods.category)]
    prices = goods.price[bought[goods.category[bought] == goods.category[seed]]]
    prices = prices[~np.isnan(prices)]
    return float(prices.max()) if len(prices) else None


def _repeat(models: Models, question: Question) -> Scored:
    return repeat.repeat(
        question.purchases, question.now, models.rhythms, question.since_bought(models)
    )


def _reactivate(models: Models, question: Question) -> Scored:
    at = question.purchases.at
    if not len(at) or question.now - float(at.max()) < reactivate.AWAY:
        return NOTHING
    return models.comebacks.like(latest(question.purchases.items, 50))


def _trending(models: Models, question: Question) -> Scored:
    del question
    return models.trend.now()


def _new(models: Models, question: Question) -> Scored:
    goods = models.goods
    history = np.concatenate([question.starts, latest(question.purchases.items, 20)])
    return content.new_like(history, goods.words, goods.new(), question.now)


OFFERS: Mapping[Strategy, Callable[[Models, Question], Scored]] = {
    "for_you": _for_you,
    "also_bought": _also_bought,
    "also_viewed": _also_viewed,
    "cross_sell": _cross_sell,
    "up_sell": _up_sell,
    "repeat": _repeat,
    "reactivate": _reactivate,
    "trending": _trending,
    "new": _new,
}
"""What answers under each strategy's name."""

STRATEGIES: tuple[Strategy, ...] = tuple(OFFERS)
