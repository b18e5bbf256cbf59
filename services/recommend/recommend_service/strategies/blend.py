"""One ranking out of several, by stated weights."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np

from recommend_service.strategies.scored import Floats, Ints, Scored, joined

N = TypeVar("N", bound=str)

SHORTLIST = 100
"""Of each strategy so many of its best take part."""

STEPS = (0.0, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
"""The weights that are tried."""


def evened(found: Scored) -> Scored:
    """The strategy's best, with scores as shares of its highest: what makes strategies comparable."""
    best = found.best(SHORTLIST)
    return Scored(best.items, best.scores / best.scores[0]) if len(best.items) else best


def blended(parts: Mapping[N, Scored], weights: Mapping[N, float]) -> Scored:
    """The weighted sum of evened scores. What several strategies offer comes first."""
    return joined(
        [
            Scored(found.items, found.scores * weights[name])
            for name, found in parts.items()
            if weights.get(name, 0.0) > 0
        ]
    )


def fitted(
    cases: Sequence[tuple[Mapping[str, Scored], Ints]], most: int
) -> tuple[dict[str, float], float]:
    """The weights that rank best what was wanted in these cases, and the quality that they reach.

    By coordinate ascent from the best single strategy, so that no single one does better on the cases.
    Each case has the evened parts, and the products that turned out to be wanted.
    """
    names = sorted({name for parts, _ in cases for name in parts})
    singles = {name: _quality(cases, {name: 1.0}, most) for name in names}
    if not singles:
        return {}, 0.0
    first = max(names, key=lambda name: singles[name])
    weights, quality = {name: float(name == first) for name in names}, singles[first]
    for _ in range(2):
        for name in names:
            if name == first:
                continue
            for step in STEPS:
                tried = _quality(cases, weights | {name: step}, most)
                # A weight must earn its place by more than a rounding.
                if tried > quality * 1.001:
                    weights, quality = weights | {name: step}, tried
    return weights, quality


def _quality(
    cases: Sequence[tuple[Mapping[str, Scored], Ints]], weights: Mapping[str, float], most: int
) -> float:
    """Recall and rank of the wanted products, half and half, over all cases."""
    reached = [
        _of_case(blended(parts, weights).best(most).items, wanted) for parts, wanted in cases
    ]
    return float(np.mean(reached)) if reached else 0.0


def _of_case(ranked: Ints, wanted: Ints) -> float:
    hits: Floats = np.isin(ranked, wanted).astype(float)
    found = float(hits.sum()) / len(wanted)
    gain = float((hits / np.log2(np.arange(len(hits)) + 2)).sum())
    ideal = float((1 / np.log2(np.arange(min(len(wanted), max(1, len(ranked)))) + 2)).sum())
    return (found + gain / ideal) / 2
