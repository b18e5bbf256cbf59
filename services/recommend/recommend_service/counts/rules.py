"""What counts as bought together, and as viewed together."""

from collections.abc import Iterator, Sequence
from itertools import combinations

Pair = tuple[str, str]
"""Two skus, the lesser first."""

PAIRED_SKUS = 30
"""Of a larger basket the first so many products are paired: all 500 would make 124,750 pairs."""

WINDOW_MS = 30 * 60 * 1000
KEPT_VIEWS = 10

RecentViews = dict[str, int]
"""When an identity last viewed each of its last `KEPT_VIEWS` products, in milliseconds since 1970."""


def pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def pairs_of_basket(skus: Sequence[str]) -> Iterator[Pair]:
    """Every two of the basket's products, given in the order of its lines without repeats."""
    return combinations(sorted(skus[:PAIRED_SKUS]), 2)


def view(recent: RecentViews, sku: str, at: int) -> list[str] | None:
    """Add a view to `recent`; return the products that it was viewed together with.

    A product is in a visitor's window from a view on, until half an hour has passed without another
    or ten others were viewed since. It is viewed together with those that are in the window when it
    enters. None if it is there already: then those pairs are counted, whichever of the two came last.
    """
    last = recent.get(sku)
    entered = last is None or abs(at - last) > WINDOW_MS
    # A view may be told of late: what was viewed soon after it counts as what was before it.
    others = (
        [o for o, seen in recent.items() if abs(at - seen) <= WINDOW_MS and o != sku]
        if entered
        else None
    )
    recent[sku] = at if last is None else max(last, at)
    if len(recent) > KEPT_VIEWS:
        del recent[min(recent, key=lambda each: (recent[each], each))]
    return others
