"""What is bought, or viewed, together with given products."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from recommend_service.strategies.scored import Ints, Scored, joined, summed
from recommend_service.strategies.visits import Visits

DAY = 86_400.0
HALF_LIFE = 180 * DAY
"""After so long a meeting of two products counts for half."""


class Meetings(NamedTuple):
    """How strongly each product goes together with one seed."""

    seed: int
    found: Scored


def meetings(
    visits: Visits, seeds: Ints, now: float, *, support: int, half_life: float = HALF_LIFE
) -> list[Meetings]:
    """For each seed the products that were in at least `support` visits with it.

    The score is the cosine of Linden, Smith & York 2003, count(a, b) / √(count(a) · count(b)), whose
    meetings fade with age. It is less where two products meet more seldom than by chance: by their
    lift, P(b | a) / P(b), up to 1.
    """
    if not len(seeds):
        return []
    which, rows = visits.of_items(seeds)
    own = np.bincount(which, minlength=len(seeds))
    items = visits.items[rows]
    weights = 0.5 ** (np.maximum(0.0, now - visits.at[rows]) / half_life)
    # All seeds at once: which seed, and which product met it, is one number.
    real = (items >= 0) & (items != seeds[which][:, None])
    pairs = ((which << 32)[:, None] | items)[real]
    weighed = np.broadcast_to(weights[:, None], items.shape)[real]
    pairs, (times, sums) = summed(pairs, np.ones(len(pairs)), weighed)
    often = times >= support
    pairs, times, sums = pairs[often], times[often], sums[often]
    which, others = pairs >> 32, (pairs & 0xFFFFFFFF).astype(np.int32)
    counts = np.maximum(1, visits.counts(others))
    # The postings may reach back less far than the counts: shares carry over, numbers do not.
    seed_counts = np.maximum(own, visits.counts(seeds))[which]
    cosine = sums / own[which] * np.sqrt(seed_counts / counts)
    lift = times / own[which] * visits.taught / counts
    scores = cosine * np.minimum(1.0, lift)
    edges = np.searchsorted(which, np.arange(len(seeds) + 1)).tolist()
    return [
        Meetings(seed, Scored(others[start:end], scores[start:end]))
        for seed, (start, end) in zip(seeds.tolist(), pairwise(edges), strict=True)
    ]


def together(each: list[Meetings]) -> Scored:
    """What goes with several products at once: the sum over them."""
    return joined([meeting.found for meeting in each])


def reasons(each: list[Meetings], item: int, most: int) -> list[int]:
    """The seeds that speak for this product, the strongest first; ties by number."""
    spoken: list[tuple[float, int]] = []
    for meeting in each:
        place = np.flatnonzero(meeting.found.items == item)
        if len(place):
            spoken.append((-float(meeting.found.scores[place[0]]), meeting.seed))
    return [seed for _, seed in sorted(spoken)[:most]]


def crossing(found: Scored, categories: Ints, cart: Ints) -> Scored:
    """Cross-sell: of what goes with a cart, what is of a category that is not in it yet.

    `categories` has the category of each product, below 0 where it has none.
    """
    theirs = categories[found.items]
    other = (theirs >= 0) & ~np.isin(theirs, categories[cart])
    return Scored(found.items[other], found.scores[other])
