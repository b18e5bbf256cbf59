"""What is bought, or viewed, together with given products."""

from typing import NamedTuple

import numpy as np

from recommend_service.strategies.scored import NOTHING, Ints, Scored, joined
from recommend_service.strategies.visits import Visits

DAY = 86_400.0
HALF_LIFE = 180 * DAY
"""After so long a meeting of two products counts for half."""


class Meetings(NamedTuple):
    """How strongly each product goes together with one seed."""

    seed: int
    found: Scored


def meetings(
    visits: Visits, seed: int, now: float, *, support: int, half_life: float = HALF_LIFE
) -> Meetings:
    """The products that were in at least `support` visits with the seed.

    The score is the cosine of Linden, Smith & York 2003, count(a, b) / √(count(a) · count(b)), whose
    meetings fade with age. It is less where two products meet more seldom than by chance: by their
    lift, P(b | a) / P(b), up to 1.
    """
    own = visits.of_item(seed)
    if not len(own):
        return Meetings(seed, NOTHING)
    items = visits.items[own]
    ages = np.maximum(0.0, now - visits.at[own])
    weights = np.repeat(0.5 ** (ages / half_life), items.shape[1])
    flat = items.ravel()
    flat, weights = flat[(flat >= 0) & (flat != seed)], weights[(flat >= 0) & (flat != seed)]
    if not len(flat):
        return Meetings(seed, NOTHING)
    times = np.bincount(flat)
    others = np.flatnonzero(times >= support).astype(np.int32)
    share = np.bincount(flat, weights)[others] / len(own)
    counts = np.maximum(1, visits.counts(others))
    # The postings may reach back less far than the counts: shares carry over, numbers do not.
    seed_count = max(len(own), int(visits.counts(np.array([seed]))[0]))
    cosine = share * np.sqrt(seed_count / counts)
    lift = times[others] / len(own) * visits.taught / counts
    return Meetings(seed, Scored(others, cosine * np.minimum(1.0, lift)))


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
