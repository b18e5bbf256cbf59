"""What every strategy answers with, and how scores are added up."""

from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]

NO_ITEM = -1
"""Fills up a row that holds fewer products than it has places for."""


class Scored(NamedTuple):
    """Products that a strategy offers, with its scores: positive, and comparable within it only."""

    items: Ints
    scores: Floats

    def best(self, most: int) -> "Scored":
        """The `most` highest, the best first; ties go to the product that was met first."""
        if len(self.items) > most:
            # Among equal scores at the edge the partition may take any: all that reach it are sorted.
            edge = np.partition(self.scores, -most)[-most]
            keep = self.scores >= edge
            items, scores = self.items[keep], self.scores[keep]
        else:
            items, scores = self.items, self.scores
        order = np.lexsort((items, -scores))[:most]
        return Scored(items[order], scores[order])


NOTHING = Scored(np.empty(0, np.int32), np.empty(0))


def added_up(items: Ints, scores: Floats) -> Scored:
    """The sum of the scores of each product; `NO_ITEM` is passed over."""
    real = items >= 0
    items, scores = items[real], scores[real]
    if not len(items):
        return NOTHING
    sums: Floats = np.bincount(items, scores).astype(np.float64)
    found = np.flatnonzero(sums > 0)
    return Scored(found.astype(np.int32), sums[found])


def latest(items: Ints, most: int) -> Ints:
    """The different products among these, which stand in order of time: the latest first."""
    backwards = items[::-1]
    _, first = np.unique(backwards, return_index=True)
    return backwards[np.sort(first)][:most]


def joined(parts: list[Scored]) -> Scored:
    """The sum of the scores over several answers."""
    if not parts:
        return NOTHING
    return added_up(
        np.concatenate([each.items for each in parts]),
        np.concatenate([each.scores for each in parts]),
    )


def reaching(array: NDArray[Any], place: int, empty: float) -> NDArray[Any]:
    """The array, or a longer one with the same contents that has this place."""
    if place < len(array):
        return array
    grown = np.full((max(place + 1, 2 * len(array)), *array.shape[1:]), empty, array.dtype)
    grown[: len(array)] = array
    return grown
