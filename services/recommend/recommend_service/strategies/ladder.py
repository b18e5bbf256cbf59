"""Up-sell: the next better product of the same kind, within what this customer pays."""

from collections.abc import Callable

import numpy as np

from recommend_service.strategies.scored import NOTHING, Floats, Ints, Scored

DEARER = (1.05, 2.5)
"""From and to how many times the price a product is a step up."""
STRETCH = 1.5
"""A customer's price band ends at so many times the dearest that they bought in the category."""
_STEP = 1.3
"""The step that is taken most readily; others count less, by the distance of their logarithms."""


def steps_up(
    seed: int,
    categories: Ints,
    prices: Floats,
    wanted: Callable[[Ints], Floats],
    dearest: float | None,
) -> Scored:
    """Dearer products of the seed's category, the more wanted and the nearer to a usual step first.

    `prices` are NaN where unknown; `wanted` says how popular products are; `dearest` is the most that
    this customer paid in the category, None where they bought nothing of it.
    """
    if seed >= len(categories) or categories[seed] < 0 or not prices[seed] > 0:
        return NOTHING
    price = prices[seed]
    top = price * DEARER[1] if dearest is None else min(price * DEARER[1], dearest * STRETCH)
    same = np.flatnonzero(categories == categories[seed])
    fits = same[(prices[same] >= price * DEARER[0]) & (prices[same] <= max(top, price * _STEP))]
    if not len(fits):
        return NOTHING
    distance = np.abs(np.log(prices[fits] / (price * _STEP)))
    items = fits.astype(np.int32)
    return Scored(items, np.log1p(1 + wanted(items)) * np.exp(-2 * distance))
