"""From what strategies offer to an answer: what is never shown, what the shop rules, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from recommend_service.live.memory import Memory
from recommend_service.live.shop import Rule, Shop
from recommend_service.recommendations.rules import (
    REASONS,
    Pick,
    Placement,
    Recommendation,
    diverse,
    drafted,
    share_of,
)
from recommend_service.strategies import neighbours
from recommend_service.strategies.blend import SHORTLIST, blended, evened
from recommend_service.strategies.offers import OFFERS, Strategy
from recommend_service.strategies.scored import Ints, Scored
from recommend_service.strategies.together import reasons

PINNED: Strategy = "trending"
"""What a pinned product that no strategy offers counts as: it is shown to everybody."""


@dataclass(frozen=True)
class Asked:
    """What is wanted, where, and for whom."""

    placement: Placement
    customer_id: str | None
    anonymous_id: str | None
    skus: Sequence[str]
    segments: frozenset[str]
    weights: Mapping[Strategy, float]
    limit: int
    alone: bool
    """Whether one strategy was asked for by its name: then its own scores and order stand."""
    explores: str | None
    """Where this answer explores: what its draws derive from."""


class Ranking:
    """One answer in the making."""

    def __init__(self, memory: Memory, shop: Shop, asked: Asked, at: datetime) -> None:
        self._memory, self._asked, self._at = memory, asked, at
        now = at.timestamp()
        self._question = memory.question(asked.customer_id, asked.anonymous_id, asked.skus, now)
        people = memory.identities(asked.customer_id, asked.anonymous_id)
        self._rules = [r for r in shop.rules if r.holds(asked.placement, asked.segments, at)]
        # A place for each product: a look-up costs far less than a search in what is hidden.
        self._hidden = np.zeros(len(memory.skus), np.bool_)
        known = memory.unavailable[: len(self._hidden)]
        self._hidden[: len(known)] = known
        self._hidden[memory.never(people, self._question)] = True
        self._hidden[self._of_rules("exclude")] = True
        # What somebody has, only `repeat` offers again, when it is due.
        self._hidden_or_owned = self._hidden.copy()
        self._hidden_or_owned[self._question.purchases.items] = True

    def answer(self) -> list[Recommendation]:
        parts = {name: self._offered(name) for name in self._asked.weights}
        if self._asked.alone:
            ((name, found),) = parts.items()
            chosen = [Pick(item, score, name) for item, score in _pairs(found, self._asked.limit)]
        elif self._asked.explores is not None:
            chosen = self._explored(parts)
        else:
            chosen = self._blended(parts)
        return self._pinned([self._reasoned(each) for each in chosen])

    def _offered(self, name: Strategy) -> Scored:
        """The strategy's offers that may be shown, moved by the shop's rules."""
        found = OFFERS[name](self._memory.models, self._question)
        hidden = self._hidden if name == "repeat" else self._hidden_or_owned
        found = found.without(hidden)
        for rule in self._rules:
            if rule.action in ("boost", "bury"):
                moved = np.isin(found.items, self._items_of(rule))
                factor = np.where(moved, rule.factor or 1.0, 1.0)
                found = found._replace(scores=found.scores * factor)
        return found.best(SHORTLIST) if self._asked.alone else evened(found)

    def _of_rules(self, action: str) -> Ints:
        found = [self._items_of(rule) for rule in self._rules if rule.action == action]
        return np.concatenate(found) if found else np.empty(0, np.int32)

    def _items_of(self, rule: Rule) -> Ints:
        """The products that a rule is about: one, or those of a category."""
        if rule.field == "sku":
            return self._memory.skus.known([rule.value])
        category = self._memory.categories.get(rule.value)
        if category is None:
            return np.empty(0, np.int32)
        return np.flatnonzero(self._memory.models.goods.category == category).astype(np.int32)

    def _blended(self, parts: Mapping[Strategy, Scored]) -> list[Pick]:
        limit = self._asked.limit
        ranked = _pairs(blended(parts, self._asked.weights).best(4 * limit), 4 * limit)
        chosen = diverse(ranked, self._categories([item for item, _ in ranked]), limit)
        loudest = self._loudest(parts, {item for item, _ in chosen})
        return [Pick(item, score, loudest[item]) for item, score in chosen]

    def _loudest(self, parts: Mapping[Strategy, Scored], items: set[int]) -> dict[int, Strategy]:
        """Which strategy speaks for each of these products the loudest."""
        found: dict[int, tuple[float, Strategy]] = {}
        for name, part in parts.items():
            weight = self._asked.weights[name]
            for item, score in _pairs(part, SHORTLIST):
                if item in items and weight * score > found.get(item, (0.0, name))[0]:
                    found[item] = weight * score, name
        return {item: name for item, (_, name) in found.items()}

    def _explored(self, parts: Mapping[Strategy, Scored]) -> list[Pick]:
        limit = self._asked.limit
        salt = f"place {self._asked.explores}"
        shares = (share_of(salt, str(place), self._at) for place in range(limit))
        ranked = {name: _pairs(found, 2 * limit) for name, found in parts.items()}
        return drafted(ranked, limit, shares)

    def _categories(self, items: Sequence[int]) -> list[int]:
        known = self._memory.models.goods.category
        return [int(known[item]) if item < len(known) else -1 for item in items]

    def _reasoned(self, each: Pick) -> Recommendation:
        names = self._memory.skus.names
        because = tuple(names[seed] for seed in self._because(each.strategy, each.item))
        score = round(each.score, 6)
        return Recommendation(names[each.item], score, each.strategy, because, each.propensity)

    def _because(self, strategy: Strategy, item: int) -> list[int]:
        """The products that led to this one; none for what everybody wants."""
        question, models = self._question, self._memory.models
        found: list[int] = []
        match strategy:
            case "also_bought" | "cross_sell":
                found = reasons(question.bought_with(models), item, REASONS)
            case "also_viewed":
                found = neighbours.reasons(question.seen_with(models), item, REASONS)
            case "repeat":
                found = [item]
            case "up_sell":
                found = [
                    seed
                    for seed in question.starts.tolist()
                    if seed < len(models.goods.category)
                    and models.goods.category[seed] == models.goods.category[item]
                ]
            case "for_you":
                liked = np.concatenate([question.purchases.items, question.session])
                found = models.taste.nearest(liked, item, REASONS)
            case "reactivate":
                found = list(dict.fromkeys(question.purchases.items[::-1].tolist()))
        return found[:REASONS]

    def _pinned(self, chosen: Sequence[Recommendation]) -> list[Recommendation]:
        """Pinned products first, in the order of their rules; what may never be shown is not."""
        by_sku = {each.sku: each for each in chosen}
        pinned = {each.sku: each for each in self._pins(by_sku)}
        rest = [each for each in chosen if each.sku not in pinned]
        return [*pinned.values(), *rest][: self._asked.limit]

    def _pins(self, by_sku: Mapping[str, Recommendation]) -> Iterator[Recommendation]:
        for item in self._of_rules("pin").tolist():
            if not self._hidden[item]:
                sku = self._memory.skus.names[item]
                yield by_sku.get(sku, Recommendation(sku, 0.0, PINNED))


def _pairs(found: Scored, most: int) -> list[tuple[int, float]]:
    return list(zip(found.items[:most].tolist(), found.scores[:most].tolist(), strict=True))
