"""Each customer's own rhythm for each product: what is due to run out."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from recommend_service.strategies.scored import NOTHING, Floats, Ints, Scored

DAY = 86_400.0
USUAL_GAP = 30 * DAY
"""The time from one purchase to the next where nothing is known yet."""

FADING, HALF_LIFE = 0.97, 240 * DAY
"""What a purchase counts for against one in the customer's following order, and after how long half."""
CROWD = 0.4
"""The power of an order's number of products by which each of them counts for less: what was bought
alone is what somebody came for, and of a small next order it is the larger part."""
_PRIOR = 5
"""So many purchases of an average product stand beside those that were seen."""
_OWN_PRIOR = 2
"""So many gaps of the product's usual length stand beside the customer's own."""

JUST_BOUGHT = 0.05
"""Before so much of the rhythm has passed, a product was just bought. In groceries, where the next trip
brings much of what the last one did, a larger share costs recall."""
BOUGHT_ONCE = 0.5
"""The same for what this customer bought once: there the rhythm is that of others."""


class Rhythms(NamedTuple):
    """What all customers together say about each product; a product beyond the arrays is average."""

    rate: Floats
    """Of its purchases, the share by somebody who had bought it before."""
    gap: Floats
    """Seconds from one purchase by a customer to the next."""
    usual_rate: float
    usual_gap: float

    def of(self, items: Ints) -> tuple[Floats, Floats]:
        """Rate and gap of these products."""
        known = items < len(self.rate)
        rate, gap = np.full(len(items), self.usual_rate), np.full(len(items), self.usual_gap)
        rate[known], gap[known] = self.rate[items[known]], self.gap[items[known]]
        return rate, gap


UNKNOWN = Rhythms(np.empty(0), np.empty(0), 0.05, USUAL_GAP)


class Purchases(NamedTuple):
    """What one customer bought: products, when, and in which order counted from 0, the oldest."""

    items: Ints
    at: Floats
    order: Ints


def learn(owners: Ints, items: Ints, at: Floats) -> Rhythms:
    """The rhythms of all products, from every purchase (one entry a product and order)."""
    if not len(items):
        return UNKNOWN
    order = np.lexsort((at, items, owners))
    owners, items, at = owners[order], items[order], at[order]
    again = np.r_[False, (owners[1:] == owners[:-1]) & (items[1:] == items[:-1])]
    bought, returned = np.bincount(items), np.bincount(items, again)
    gaps = np.r_[0.0, np.diff(at)]
    sums = np.bincount(items, np.where(again, gaps, 0.0))
    usual_rate = max(0.001, float(again.mean()))
    usual_gap = max(DAY, float(gaps[again].mean())) if again.any() else USUAL_GAP
    return Rhythms(
        rate=(returned + usual_rate) / (bought + _PRIOR),
        gap=np.maximum(DAY, (sums + _PRIOR * usual_gap) / (returned + _PRIOR)),
        usual_rate=usual_rate / _PRIOR,
        usual_gap=usual_gap,
    )


def repeat(purchases: Purchases, now: float, rhythms: Rhythms, since: "Elapsed") -> Scored:
    """What this customer will want again: their purchases, faded, by how often such products are.

    What was just bought is left out (`Elapsed.due`).
    """
    if not len(purchases.items):
        return NOTHING
    items, which = np.unique(purchases.items, return_inverse=True)
    orders = int(purchases.order.max()) + 1
    ages = np.maximum(0.0, now - purchases.at)
    counted = FADING ** (orders - 1 - purchases.order) * 0.5 ** (ages / HALF_LIFE)
    beside = np.bincount(purchases.order)[purchases.order]
    often = np.bincount(which, counted * beside**-CROWD)
    rate, _ = rhythms.of(items)
    found = Scored(items.astype(np.int32), often * rate)
    return Scored(found.items[since.due], found.scores[since.due])


class Elapsed(NamedTuple):
    """For each different product of a customer, how much of its rhythm has passed: 1 is due."""

    items: Ints
    shares: Floats
    times: Ints
    """How often the customer bought each."""

    @property
    def due(self) -> NDArray[np.bool_]:
        """Which of them may be recommended again."""
        return self.shares >= np.where(self.times > 1, JUST_BOUGHT, BOUGHT_ONCE)


NEVER = Elapsed(np.empty(0, np.int32), np.empty(0), np.empty(0, np.int32))


def elapsed(
    purchases: Purchases, now: float, rhythms: Rhythms, stated: Floats | None = None
) -> Elapsed:
    """Since the last purchase of each product, as a share of this customer's rhythm for it.

    `stated` has for each product after how many seconds the shop says that it runs out, NaN where it
    says nothing.
    """
    if not len(purchases.items):
        return NEVER
    items, which, times = np.unique(purchases.items, return_inverse=True, return_counts=True)
    first, last = np.full(len(items), np.inf), np.full(len(items), -np.inf)
    np.minimum.at(first, which, purchases.at)
    np.maximum.at(last, which, purchases.at)
    _, gap = rhythms.of(items.astype(np.int32))
    own = (last - first + _OWN_PRIOR * gap) / (times - 1 + _OWN_PRIOR)
    if stated is not None:
        said = np.full(len(items), np.nan)
        known = items < len(stated)
        said[known] = stated[items[known]]
        own = np.where(np.isnan(said), own, said)
    shares = np.maximum(0.0, now - last) / np.maximum(own, 1.0)
    return Elapsed(items.astype(np.int32), shares, times.astype(np.int32))
