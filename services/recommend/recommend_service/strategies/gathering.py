"""Single events gathered into visits, as `Visits.load` takes them."""

from typing import NamedTuple

import numpy as np

from recommend_service.strategies.scored import Floats, Ints


class Gathered(NamedTuple):
    """Visits in the order of their beginnings. `items` are those of all, one after another."""

    owners: Ints
    at: Floats
    sizes: Ints
    items: Ints

    @property
    def visit_of(self) -> Ints:
        """The place of the visit of each of the items."""
        return np.repeat(np.arange(len(self.owners), dtype=np.int32), self.sizes)


def sessions(owner: Ints, at: Floats, pause: float) -> Ints:
    """The visit of each event: an owner's events belong together until `pause` seconds pass without."""
    order = np.lexsort((at, owner))
    who, when = owner[order], at[order]
    begins = np.r_[True, (who[1:] != who[:-1]) | (np.diff(when) > pause)][: len(at)]
    visit = np.empty(len(at), np.int32)
    visit[order] = np.cumsum(begins) - 1
    return visit


def gathered(visit: Ints, owner: Ints, item: Ints, at: Floats) -> Gathered:
    """Events in the order of their times, by visit; a product stands where the visit met it last."""
    if not len(visit):
        return Gathered(owner, at, np.empty(0, np.int32), item)
    order = np.argsort(visit, kind="stable")[::-1]
    pairs = visit[order].astype(np.int64) * (int(item.max()) + 1) + item[order]
    _, last = np.unique(pairs, return_index=True)
    keep = order[np.sort(last)][::-1]
    visit, item, owner, at = visit[keep], item[keep], owner[keep], at[keep]
    starts = np.flatnonzero(np.r_[True, visit[1:] != visit[:-1]])
    sizes = np.diff(np.r_[starts, len(visit)])
    by_time = np.argsort(at[starts], kind="stable")
    rank = np.empty(len(starts), np.int64)
    rank[by_time] = np.arange(len(starts))
    in_order = np.argsort(np.repeat(rank, sizes), kind="stable")
    return Gathered(
        owner[starts][by_time].astype(np.int32),
        at[starts][by_time],
        sizes[by_time].astype(np.int32),
        item[in_order].astype(np.int32),
    )
