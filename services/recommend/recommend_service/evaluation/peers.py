"""What others ship, in the same run: the library `implicit`, and what is simple enough to write down."""

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np

from recommend_service.evaluation.events import Events
from recommend_service.evaluation.protocols import Case
from recommend_service.strategies.scored import NOTHING, Floats, Ints, Scored

NEIGHBOURS, SAMPLE = 500, 5_000
"""Of plain VSKNN, as its authors set them."""
FACTORS, ITERATIONS = 64, 15
KNN = 100

Peer = Callable[[Sequence[Case], int], list[Ints]]
"""For each case, the best products."""


def peers(train: Events) -> Mapping[str, Peer]:
    """Those that can be had here, by name."""
    found: dict[str, Peer] = {"popularity": _popularity(train)}
    if train.baskets:
        found["own_frequency"] = own_frequency
    else:
        found["vsknn"] = _PlainNeighbours(train)
    try:
        import implicit  # noqa: PLC0415, F401 - optional
    except ImportError:
        sys.stderr.write(
            "item_knn and implicit_als are left out: `pip install implicit` adds them\n"
        )
        return found
    return found | _implicit(train)


def _popularity(train: Events) -> Peer:
    counts = np.bincount(train.item)
    ranking = np.lexsort((np.arange(len(counts)), -counts)).astype(np.int32)
    return lambda cases, most: [ranking[:most]] * len(cases)


def own_frequency(cases: Sequence[Case], most: int) -> list[Ints]:
    """The products that this customer bought most often; ties to the first numbered."""
    answers = []
    for case in cases:
        items, times = np.unique(case.question.purchases.items, return_counts=True)
        answers.append(items[np.lexsort((items, -times))][:most].astype(np.int32))
    return answers


def _liked(case: Case) -> Ints:
    return np.concatenate([case.question.purchases.items, case.question.session])


class _PlainNeighbours:
    """VSKNN as published (Ludewig & Jannach 2018): the sessions in full, no index of bounded size."""

    def __init__(self, train: Events) -> None:
        visits, starts = np.unique(train.visit, return_index=True)
        self._began = train.at[starts]
        row = np.searchsorted(visits, train.visit)
        order = np.lexsort((train.item, row))
        pairs = np.unique(np.column_stack([row[order], train.item[order]]), axis=0)
        edges = np.searchsorted(pairs[:, 0], np.arange(len(visits) + 1))
        self._sets = [pairs[a:b, 1] for a, b in pairwise(edges)]
        by_item = pairs[np.argsort(pairs[:, 1], kind="stable")]
        ends = np.searchsorted(by_item[:, 1], np.arange(int(train.item.max()) + 2))
        self._visits_of = [by_item[a:b, 0] for a, b in pairwise(ends)]

    def __call__(self, cases: Sequence[Case], most: int) -> list[Ints]:
        return [self._after(_liked(case)).best(most).items for case in cases]

    def _after(self, session: Ints) -> Scored:
        places = {item: place for place, item in enumerate(session.tolist(), start=1)}
        lists = [self._visits_of[item] for item in places if item < len(self._visits_of)]
        met = np.unique(np.concatenate(lists)) if lists else np.empty(0, np.int64)
        if not len(met):
            return NOTHING
        met = met[np.argsort(-self._began[met], kind="stable")][:SAMPLE]
        shared = [[places.get(item, 0) for item in self._sets[row].tolist()] for row in met]
        alike = np.array([sum(found) for found in shared]) / len(session) ** 2
        order = np.argsort(-alike, kind="stable")[:NEIGHBOURS]
        scores: dict[int, float] = {}
        for place in order.tolist():
            steps = len(session) - max(shared[place]) + 1
            vote = float(alike[place]) * max(0.0, 1 - 0.1 * steps)
            for item in self._sets[int(met[place])].tolist():
                scores[item] = scores.get(item, 0.0) + vote
        return Scored(np.array(list(scores), np.int32), np.array(list(scores.values())))


def _implicit(train: Events) -> dict[str, Peer]:
    from implicit.als import AlternatingLeastSquares  # noqa: PLC0415 - optional
    from implicit.nearest_neighbours import CosineRecommender  # noqa: PLC0415 - optional
    from scipy.sparse import csr_matrix  # noqa: PLC0415 - only here

    shape = (int(train.visitor.max()) + 1, int(train.item.max()) + 1)
    ones: Floats = np.ones(len(train))
    matrix = csr_matrix((ones, (train.visitor, train.item)), shape=shape)
    knn = CosineRecommender(K=KNN)
    als = AlternatingLeastSquares(factors=FACTORS, iterations=ITERATIONS, random_state=7)
    knn.fit(matrix, show_progress=False)
    als.fit(matrix, show_progress=False)

    def asked(cases: Sequence[Case]) -> "csr_matrix":
        liked = [items[items < shape[1]] for items in map(_liked, cases)]
        rows = np.repeat(np.arange(len(cases)), [len(items) for items in liked])
        flat = np.concatenate(liked)
        return csr_matrix((np.ones(len(flat)), (rows, flat)), shape=(len(cases), shape[1]))

    def recommend(model: object, cases: Sequence[Case], most: int, **options: bool) -> list[Ints]:
        found, scores = model.recommend(  # type: ignore[attr-defined]  # both models have it
            np.arange(len(cases)),
            asked(cases),
            N=most,
            filter_already_liked_items=False,
            **options,
        )
        return [
            row[(row >= 0) & np.isfinite(score) & (score != 0)]
            for row, score in zip(found, scores, strict=True)
        ]

    return {
        "item_knn": lambda cases, most: recommend(knn, cases, most),
        "implicit_als": lambda cases, most: recommend(als, cases, most, recalculate_user=True),
    }
