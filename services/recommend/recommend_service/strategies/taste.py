"""Long-term taste: what fits all that a visitor liked so far."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommend_service.strategies.scored import NOTHING, OFFERED, Floats, Ints, Scored

FACTORS = 64
HISTORY = 100
"""So many of a visitor's latest products are folded in."""


class Taste(NamedTuple):
    """Products in a space of tastes. One beyond the arrays is not placed in it yet."""

    places: NDArray[np.float32]
    """One row a product: its right singular vector. Stored by columns, which fold in twice as fast."""
    degree: Floats
    """By how many visitors each was wanted, at least 1; its powers even out what is popular."""

    def nearest(self, liked: Ints, item: int, most: int) -> list[int]:
        """Of what somebody liked, the products that are nearest to this one; ties by number."""
        known = np.unique(liked[liked < len(self.places)])
        if item >= len(self.places) or not len(known):
            return []
        near = self.places[known] @ self.places[item] * self.degree[known] ** -0.5
        order = np.lexsort((known, -near))[:most]
        return [int(known[place]) for place in order if near[place] > 0]


NO_TASTE = Taste(np.empty((0, FACTORS), np.float32), np.empty(0))


def fit(visitors: Ints, items: Ints, weights: Floats, factors: int = FACTORS) -> Taste:
    """The ideal low-pass filter of GF-CF (Shen et al. 2021, "How powerful is graph convolution for
    recommendation?"), in closed form: the truncated singular vectors of D_u^-½ R D_i^-¼.

    The power of the products' degree is a quarter, not a half: on click logs it foretells more."""
    from scipy import sparse  # noqa: PLC0415 - runs in the process that fits
    from scipy.sparse.linalg import svds  # noqa: PLC0415 - as above

    shape = (int(visitors.max()) + 1, int(items.max()) + 1) if len(items) else (0, 0)
    factors = min(factors, min(shape) - 1)
    if factors < 1:
        return NO_TASTE
    wanted = sparse.csr_matrix((weights.astype(np.float32), (visitors, items)), shape=shape)
    wanted.data = np.log1p(wanted.data)
    by_visitor = np.maximum(1.0, np.asarray(wanted.sum(axis=1)).ravel())
    degree = np.maximum(1.0, np.asarray(wanted.sum(axis=0)).ravel())
    evened = sparse.diags(by_visitor**-0.5) @ wanted @ sparse.diags(degree**-0.25)
    _, _, right = svds(evened.astype(np.float32), k=factors, random_state=np.random.default_rng(7))
    return Taste(np.asfortranarray(right.T, dtype=np.float32), degree)


def liked(taste: Taste, items: Ints, weights: Floats) -> Scored:
    """The products that fit somebody who wanted these best, with how well: folded in, not refitted."""
    known = items < len(taste.places)
    items, weights = items[known][-HISTORY:], weights[known][-HISTORY:]
    if not len(items):
        return NOTHING
    evened = (weights * taste.degree[items] ** -0.5).astype(np.float32)
    scores = taste.places @ (evened @ taste.places[items])
    found = Scored(np.arange(len(scores), dtype=np.int32), scores).near(OFFERED)
    fits = found.scores > 0
    return Scored(found.items[fits], found.scores[fits].astype(np.float64))
