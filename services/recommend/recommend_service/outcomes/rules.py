"""Rates with their intervals, weights learnt from them, and the worth of a blend that never ran."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

Z = 1.959964
"""95 % of a normal distribution lie within so many standard deviations."""

PRIOR_TRIALS = 50.0
"""A strategy is believed to fare as all of them together do, as firmly as after so many trials."""
LEAST_TRIALS, LEAST_SUCCESSES = 200, 20
"""Explored places of a placement, and successes among them, before weights follow from them. A shop
that reports no outcomes keeps the weights that are stated."""


class Rate(NamedTuple):
    """A share with its 95 % Wilson interval."""

    value: float
    low: float
    high: float


def rate(successes: int, trials: int) -> Rate:
    """Wilson 1927: it stays within 0 and 1, also for few trials."""
    if not trials:
        return Rate(0.0, 0.0, 1.0)
    share, z2 = successes / trials, Z * Z
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z / (1 + z2 / trials) * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    return Rate(share, max(0.0, centre - half), min(1.0, centre + half))


class Tried(NamedTuple):
    """How a strategy fared in the explored places of a placement."""

    trials: int
    successes: int


def weights_from(tried: Mapping[str, Tried]) -> dict[str, float] | None:
    """Each strategy's posterior mean success, the best one's as 1; None while too little is known.

    The trials come from exploring answers alone, in which strategies are drawn alike: how often the
    blend shows a strategy does not feed back into its weight.
    """
    trials = sum(each.trials for each in tried.values())
    successes = sum(each.successes for each in tried.values())
    if trials < LEAST_TRIALS or successes < LEAST_SUCCESSES:
        return None
    usual = successes / trials
    means = {
        name: (each.successes + PRIOR_TRIALS * usual) / (each.trials + PRIOR_TRIALS)
        for name, each in tried.items()
    }
    best = max(means.values())
    return {name: round(mean / best, 4) for name, mean in means.items()}


class Place(NamedTuple):
    """One explored place of an answer: who had it, how likely that was, and whether it was clicked."""

    strategy: str
    propensity: float
    success: bool


class Worth(NamedTuple):
    """The estimated rate of success a place, with its 95 % interval."""

    value: float
    low: float
    high: float
    places: int
    effective: float
    """As many equally weighted places would say as much (Kish)."""


def worth(places: Sequence[Place], weights: Mapping[str, float]) -> Worth:
    """What a blend would reach that draws each place by these weights, from places drawn otherwise.

    The self-normalised inverse-propensity estimate (Swaminathan & Joachims 2015), with the variance of
    a ratio.
    """
    total = sum(weights.values())
    ratios = [weights.get(p.strategy, 0.0) / total / p.propensity if total else 0.0 for p in places]
    mass = sum(ratios)
    if not mass:
        return Worth(0.0, 0.0, 1.0, len(places), 0.0)
    value = sum(r for r, place in zip(ratios, places, strict=True) if place.success) / mass
    squares = sum(
        (r * (place.success - value)) ** 2 for r, place in zip(ratios, places, strict=True)
    )
    half = Z * sqrt(squares) / mass
    effective = mass * mass / sum(r * r for r in ratios)
    return Worth(value, max(0.0, value - half), min(1.0, value + half), len(places), effective)
