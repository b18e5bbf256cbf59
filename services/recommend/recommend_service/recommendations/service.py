"""The verb of recommendations."""

from collections.abc import Sequence
from datetime import datetime

import uuid_utils.compat as uuids

from recommend_service.facts.identities import identity
from recommend_service.live.following import Live
from recommend_service.outcomes.decisions import Decision, Decisions
from recommend_service.recommendations.ranking import Asked, Ranking
from recommend_service.recommendations.rules import (
    Placement,
    Recommendation,
    share_of,
    strategies_of,
)

GROUP = "recommend"
"""The consumer group whose progress says how fresh an answer is."""


class Recommender:
    """Answers out of memory, and notes each answer for what will be learnt from it."""

    def __init__(
        self, live: Live, decisions: Decisions, *, exploring_share: float, holdout_share: float
    ) -> None:
        self._live, self._decisions = live, decisions
        self._exploring_share, self._holdout_share = exploring_share, holdout_share

    def recommend(
        self,
        *,
        placement: Placement,
        customer_id: str | None,
        anonymous_id: str | None,
        skus: Sequence[str],
        segments: frozenset[str],
        strategy: str | None,
        limit: int,
        at: datetime,
    ) -> tuple[Decision, list[Recommendation]]:
        """What to offer now, and as what it is noted. Raises `Invalid` for an unknown strategy."""
        memory, shop = self._live.memory, self._live.shop
        weights = strategies_of(placement, strategy, shop.weights)
        named = memory.customer(customer_id, anonymous_id)
        who = identity(named, anonymous_id)
        visitor = who or str(uuids.uuid4())
        held = who is not None and share_of("holdout", who) < self._holdout_share
        # The same visitor explores for an hour: an answer does not change with each look at it.
        explores = strategy is None and (share_of("explore", visitor, at) < self._exploring_share)
        asked = Asked(
            placement=placement,
            customer_id=customer_id,
            anonymous_id=anonymous_id,
            skus=skus,
            segments=segments,
            weights=weights,
            limit=limit,
            alone=strategy is not None,
            explores=visitor if explores else None,
        )
        chosen = [] if held else Ranking(memory, shop, asked, at).answer()
        decision = _decision(chosen, asked, who, at, holdout=held)
        # What was asked of one strategy by name is a question, not something that a visitor was shown.
        if strategy is None:
            self._decisions.add(decision)
        return decision, chosen


def _decision(
    chosen: Sequence[Recommendation], asked: Asked, who: str | None, at: datetime, *, holdout: bool
) -> Decision:
    return Decision(
        decision_id=uuids.uuid7(),
        at=at,
        placement=asked.placement,
        identity=who,
        skus=[each.sku for each in chosen],
        strategies=[each.strategy for each in chosen],
        exploring=asked.explores is not None and not holdout,
        propensities=[each.propensity for each in chosen],
        holdout=holdout,
    )
