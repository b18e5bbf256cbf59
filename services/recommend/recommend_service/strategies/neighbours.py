"""Sessions like this one: what did those look at who looked at the same."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from recommend_service.strategies.scored import NOTHING, Floats, Ints, Scored, added_up, latest
from recommend_service.strategies.visits import Visits


class Settings(NamedTuple):
    """How `after` weighs; the defaults did best on the click logs that the guide names."""

    neighbours: int = 500
    """So many of the most similar sessions vote."""
    session: int = 12
    """Of the current session so many of its latest products are compared."""
    fading: float = 0.5
    """What a product of the session counts for against the one viewed after it."""
    rarity: float = 1.0
    """The power of a product's inverse frequency by which its vote counts."""


USUAL = Settings()

_SEEDS = 5
"""Of so many of the latest products it is looked up what was viewed with them."""


def after(visits: Visits, session: Ints, settings: Settings = USUAL) -> Scored:
    """What comes next in a session of these products, the oldest first.

    VSKNN (Ludewig & Jannach 2018) over the bounded posting lists of VMIS-kNN: sessions are similar by
    the products that they share, later ones counting for more, and vote for what they held, the more
    so the later in our session the latest shared product stands.
    """
    recent = latest(session, settings.session)
    if not len(recent):
        return NOTHING
    # Position 0 is the latest product.
    place, met = visits.of_items(recent)
    if not len(met):
        return NOTHING
    found, which = np.unique(met, return_inverse=True)
    similarity = np.bincount(which, settings.fading**place).astype(np.float64)
    # The place of the latest product that we share with each.
    shared = np.full(len(found), len(recent))
    np.minimum.at(shared, which, place)
    if len(found) > settings.neighbours:
        # Of equally similar sessions the newest.
        order = np.lexsort((-visits.at[found], -similarity))[: settings.neighbours]
        found, similarity, shared = found[order], similarity[order], shared[order]
    votes = similarity * np.maximum(0.0, 1 - 0.1 * shared)
    items = visits.items[found]
    scores: Floats = np.repeat(votes, items.shape[1]).astype(np.float64)
    scored = added_up(items.ravel(), scores)
    if settings.rarity:
        counts = np.maximum(1, visits.counts(scored.items))
        scored = scored._replace(
            scores=scored.scores * np.log1p(len(visits) / counts) ** settings.rarity
        )
    return scored


class Seen(NamedTuple):
    """The products of the newest sessions in which this one was viewed."""

    seed: int
    rows: Ints


def seen_with(visits: Visits, session: Ints) -> list[Seen]:
    """For each of the session's latest products, the latest first."""
    seeds = latest(session, _SEEDS)
    which, rows = visits.of_items(seeds)
    edges = np.searchsorted(which, np.arange(1, len(seeds)))
    parts = np.split(visits.items[rows], edges)
    return [Seen(seed, part) for seed, part in zip(seeds.tolist(), parts, strict=False)]


def reasons(seen: Sequence[Seen], item: int, most: int) -> list[int]:
    """The seeds in most of whose sessions this product was viewed; ties to the later one."""
    met = [(-int(np.count_nonzero(each.rows == item)), place) for place, each in enumerate(seen)]
    return [seen[place].seed for times, place in sorted(met)[:most] if times]
