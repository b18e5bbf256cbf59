"""What brought customers back who had stayed away, and had bought the like before."""

import numpy as np

from recommend_service.strategies.scored import NOTHING, Floats, Ints, Scored, added_up
from recommend_service.strategies.visits import Visits

AWAY = 60 * 86_400.0
"""A customer who buys after so long came back; one who has not bought for so long stays away."""


class Comebacks:
    """Orders after a long absence, each beside what its customer had bought before it."""

    def __init__(self, *, capacity: int = 50_000, postings: int = 200, length: int = 16) -> None:
        self._before = Visits(capacity=capacity, postings=postings, length=length)
        # Nobody asks which comebacks a product was bought at.
        self._came_for = Visits(capacity=capacity, postings=1, length=length)

    def learn(self, owners: Ints, at: Floats, sizes: Ints, items: Ints) -> None:
        """Find the comebacks among all orders, given in the order of their times."""
        ends = np.cumsum(sizes)
        last: dict[int, int] = {}
        for order, owner in enumerate(owners.tolist()):
            previous = last.get(owner)
            if previous is not None and at[order] - at[previous] >= AWAY:
                had = items[ends[previous] - sizes[previous] : ends[previous]]
                bought = items[ends[order] - sizes[order] : ends[order]]
                self.add(owner, float(at[order]), had, bought)
            last[owner] = order

    def add(self, owner: int, at: float, had: Ints, bought: Ints) -> None:
        before, came_for = self._before.open(owner, at), self._came_for.open(owner, at)
        for item in had.tolist():
            self._before.add(before, item)
        for item in bought.tolist():
            self._came_for.add(came_for, item)

    def like(self, bought: Ints) -> Scored:
        """What brought back those who had bought the same products, more of them counting for more."""
        _, met = self._before.of_items(np.unique(bought))
        if not len(met):
            return NOTHING
        found, shared = np.unique(met, return_counts=True)
        rows = self._came_for.items[found]
        scored = added_up(rows.ravel(), np.repeat(shared.astype(float), rows.shape[1]))
        usual = np.maximum(1, self._came_for.counts(scored.items))
        # A product that everybody buys brings nobody back in particular.
        return Scored(scored.items, scored.scores / usual**0.5)
