"""From what strategies offer to an answer: what is never shown, what the shop rules, and why."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from recommend_service.live.memory import Memory
from recommend_service.live.shop import Rule, Shop
from recommend_service.recommendations.rules import (
    REASONS,
    Placement,
    Recommendation,
    diverse,
    drafted,
    share_of,
)
from recommend_service.strategies import neighbours
from recommend_service.strategies.blend import blended, evened
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
        if self._asked.explores is not None and not self._asked.alone:
            chosen = self._explored(parts)
        elif self._asked.alone:
            (name,) = parts
            chosen = self._named(parts[name], {name: parts[name]}, self._asked.limit)
        else:
            chosen = self._blended(parts)
        return self._pinned(chosen)

    def _offered(self, name: Strategy) -> Scored:
        """The strategy's offers that may be shown, moved by the shop's rules."""
        found = OFFERS[name](self._memory.models, self._question)
        hidden = self._hidden if name == "repeat" else self._hidden_or_owned
        shown = ~hidden[found.items]
        found = Scored(found.items[shown], found.scores[shown])
        for rule in self._rules:
            if rule.action in ("boost", "bury"):
                moved = np.isin(found.items, self._items_of(rule))
                factor = np.where(moved, rule.factor or 1.0, 1.0)
                found = found._replace(scores=found.scores * factor)
        return found.best(100) if self._asked.alone else evened(found)

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

    def _blended(self, parts: Mapping[Strategy, Scored]) -> list[Recommendation]:
        best = blended(parts, self._asked.weights).best(4 * self._asked.limit)
        ranked = self._named(best, parts, 4 * self._asked.limit, reasoned=False)
        chosen = diverse(ranked, self._categories(ranked), self._asked.limit)
        return [self._reasoned(each) for each in chosen]

    def _explored(self, parts: Mapping[Strategy, Scored]) -> list[Recommendation]:
        limit = self._asked.limit
        ranked = {
            name: self._named(found, {name: found}, 2 * limit, reasoned=False)
            for name, found in parts.items()
        }
        salt = f"place {self._asked.explores}"
        shares = (share_of(salt, str(place), self._at) for place in range(limit))
        return [self._reasoned(each) for each in drafted(ranked, limit, shares)]

    def _named(
        self,
        found: Scored,
        parts: Mapping[Strategy, Scored],
        limit: int,
        *,
        reasoned: bool = True,
    ) -> list[Recommendation]:
        """Offers under the name of the strategy that speaks for each the loudest."""
        shares = {
            name: dict(zip(part.items.tolist(), part.scores.tolist(), strict=True))
            for name, part in parts.items()
        }
        weights, skus = self._asked.weights, self._memory.skus.names
        named = []
        for item, score in zip(found.items[:limit].tolist(), found.scores.tolist(), strict=False):
            name = max(parts, key=lambda each: weights[each] * shares[each].get(item, 0.0))
            named.append(Recommendation(skus[item], round(float(score), 6), name))
        return [self._reasoned(each) for each in named] if reasoned else named

    def _categories(self, ranked: Sequence[Recommendation]) -> dict[str, int]:
        goods, skus = self._memory.models.goods, self._memory.skus
        numbers = {each.sku: skus.of(each.sku) for each in ranked}
        return {
            sku: int(goods.category[item])
            for sku, item in numbers.items()
            if item < len(goods.category)
        }

    def _reasoned(self, each: Recommendation) -> Recommendation:
        names = self._memory.skus.names
        item = self._memory.skus.of(each.sku)
        because = tuple(names[seed] for seed in self._because(each.strategy, item))
        return Recommendation(each.sku, each.score, each.strategy, because, each.propensity)

    def _because(self, strategy: Strategy, item: int) -> list[int]:
        """The products that led to this one; none for what everybody wants."""
        question, models = self._question, self._memory.models
        found: list[int] = []
        match strategy:
            case "also_bought" | "cross_sell":
                found = reasons(question.bought_with(models), item, REASONS)
            case "also_viewed":
                viewed = question.seeds if len(question.seeds) else question.session
                found = neighbours.reasons(models.sessions, viewed, item, REASONS)
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
