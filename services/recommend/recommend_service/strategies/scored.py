"""What every strategy answers with, and how scores are added up."""

from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int32]
Floats: TypeAlias = NDArray[np.float64]
Number = TypeVar("Number", bound=np.integer[Any])

OFFERED = 2_000
"""A strategy that has something to say of every product offers so many of the best, or some more."""

_BLOCKS = 4
"""So many times as many blocks as products are looked for: more are dearer, fewer let more through."""

NO_ITEM = -1
"""Fills up a row that holds fewer products than it has places for."""


class Scored(NamedTuple):
    """Products that a strategy offers, with its scores: positive, and comparable within it only."""

    items: Ints
    scores: Floats

    def best(self, most: int) -> "Scored":
        """The `most` highest, the best first; ties go to the product that was met first."""
        items, scores = self.near(most)
        if len(items) > most:
            # Among equal scores at the edge the partition may take any: all that reach it are sorted.
            edge = np.partition(scores, -most)[-most]
            keep = scores >= edge
            items, scores = items[keep], scores[keep]
        order = np.lexsort((items, -scores))[:most]
        return Scored(items[order], scores[order])

    def near(self, most: int) -> "Scored":
        """The `most` highest and perhaps some more, in their order: none left out is above one of them."""
        width = len(self.scores) // (_BLOCKS * most)
        if width < 2:
            return self
        # Of `most` blocks the maxima reach the edge, and so do as many products: it is found in one
        # pass, where a partition takes several.
        whole = self.scores[: len(self.scores) // width * width]
        edge = np.partition(whole.reshape(width, -1).max(axis=0), -most)[-most]
        keep = np.flatnonzero(self.scores >= edge)
        return Scored(self.items[keep], self.scores[keep])

    def without(self, hidden: NDArray[np.bool_]) -> "Scored":
        """The same without the products that are hidden."""
        keep = ~hidden[self.items]
        return Scored(self.items[keep], self.scores[keep])


NOTHING = Scored(np.empty(0, np.int32), np.empty(0))


def added_up(items: Ints, scores: Floats) -> Scored:
    """The sum of the scores of each product; `NO_ITEM` is passed over."""
    real = items >= 0
    found, (sums,) = summed(items[real], scores[real])
    above = sums > 0
    return Scored(found[above], sums[above])


def summed(items: NDArray[Number], *columns: NDArray[Any]) -> tuple[NDArray[Number], list[Floats]]:
    """The different products, by number, and for each column its sum over each of them."""
    if not len(items):
        return items, [np.empty(0) for _ in columns]
    order = np.argsort(items, kind="stable")
    items = items[order]
    starts = np.flatnonzero(np.r_[True, items[1:] != items[:-1]])
    sums: list[Floats] = [
        np.add.reduceat(each[order].astype(np.float64), starts) for each in columns
    ]
    return items[starts], sums


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
