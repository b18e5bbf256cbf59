"""What is bought together, what a customer bought, and what came back."""

from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Received
from perennial_events.catalogue import (
    OrderCancelled,
    OrderPlaced,
    OrderRefunded,
    ReturnReceived,
)
from recommend_service.counts.rules import pairs_of_basket
from recommend_service.counts.tally import Tally
from recommend_service.counts.trends import Hits, hour_of

K = TypeVar("K", bound=Hashable)

BASKET_COUNTS = Tally("basket_counts", {"sku": "text"}, "baskets")
BASKET_PAIRS = Tally("basket_pairs", {"sku": "text", "other": "text"}, "baskets")

_KNOWN = text("""
    SELECT order_id, customer_id, skus, placed_at, cancelled FROM baskets
    WHERE order_id = ANY(CAST(:order_ids AS text[]))
""")

# A list of skus travels as one text: an array of arrays would need all of them equally long.
_STORE = text("""
    INSERT INTO baskets (order_id, customer_id, skus, placed_at, cancelled)
    SELECT order_id, customer_id, string_to_array(skus, ' '), placed_at, cancelled
    FROM unnest(CAST(:order_ids AS text[]), CAST(:customers AS text[]), CAST(:skus AS text[]),
                CAST(:placed AS timestamptz[]), CAST(:cancelled AS boolean[]))
        AS told (order_id, customer_id, skus, placed_at, cancelled)
    ON CONFLICT (order_id) DO UPDATE
    SET skus = excluded.skus, placed_at = excluded.placed_at, cancelled = excluded.cancelled
""")

_RETURN = text("""
    INSERT INTO returned (customer_id, sku)
    SELECT * FROM unnest(CAST(:customers AS text[]), CAST(:skus AS text[]))
    ON CONFLICT DO NOTHING
""")


class Basket(NamedTuple):
    """An order as far as it is known. Its skus stand in the order of its lines, without repeats."""

    order_id: str
    customer_id: str
    skus: list[str] | None = None
    placed_at: datetime | None = None
    cancelled: bool = False

    @property
    def counted(self) -> bool:
        return self.skus is not None and not self.cancelled


async def count_baskets(
    session: AsyncSession,
    placed: Sequence[Received[OrderPlaced]],
    cancelled: Sequence[Received[OrderCancelled]],
) -> Hits:
    """Count what was ordered together, take off what was called off; say what was ordered when."""
    order_ids = sorted({*(e.order_id for e, _ in placed), *(e.order_id for e, _ in cancelled)})
    if not order_ids:
        return Counter()
    rows = await session.execute(_KNOWN, {"order_ids": order_ids})
    before = {row.order_id: Basket(*row) for row in rows}
    after = _told(before, placed, cancelled)
    changed = [after[order_id] for order_id in order_ids if after[order_id] != before.get(order_id)]
    await _store(session, changed)
    counts: Counter[tuple[str]] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    ordered: Hits = Counter()
    for basket in changed:
        was = before.get(basket.order_id)
        step = basket.counted - (was is not None and was.counted)
        if step and basket.skus is not None and basket.placed_at is not None:
            _count(counts, ((sku,) for sku in basket.skus), step)
            _count(pairs, pairs_of_basket(basket.skus), step)
            hour = hour_of(basket.placed_at)
            _count(ordered, ((hour, sku) for sku in basket.skus), step)
    await BASKET_COUNTS.add(session, {key: (number,) for key, number in counts.items()})
    await BASKET_PAIRS.add(session, {key: (number,) for key, number in pairs.items()})
    return ordered


def _told(
    before: dict[str, Basket],
    placed: Sequence[Received[OrderPlaced]],
    cancelled: Sequence[Received[OrderCancelled]],
) -> dict[str, Basket]:
    """The baskets with what the events add: each of the two facts holds, whichever came first."""
    after = dict(before)
    for event, envelope in placed:
        known = after.get(event.order_id) or Basket(event.order_id, event.customer_id)
        if known.skus is None:
            skus = list(dict.fromkeys(line.sku for line in event.lines))
            known = known._replace(skus=skus, placed_at=envelope.time)
        after[event.order_id] = known
    for called_off, _ in cancelled:
        known = after.get(called_off.order_id) or Basket(
            called_off.order_id, called_off.customer_id
        )
        after[called_off.order_id] = known._replace(cancelled=True)
    return after


def _count(counter: Counter[K], keys: Iterable[K], step: int) -> None:
    if step > 0:
        counter.update(keys)
    else:
        counter.subtract(keys)


async def _store(session: AsyncSession, baskets: Sequence[Basket]) -> None:
    if baskets:
        await session.execute(
            _STORE,
            {
                "order_ids": [basket.order_id for basket in baskets],
                "customers": [basket.customer_id for basket in baskets],
                "skus": [b.skus if b.skus is None else " ".join(b.skus) for b in baskets],
                "placed": [basket.placed_at for basket in baskets],
                "cancelled": [basket.cancelled for basket in baskets],
            },
        )


async def take_back(
    session: AsyncSession, events: Sequence[Received[ReturnReceived] | Received[OrderRefunded]]
) -> None:
    """Remember what came back from whom. Refunded goods count too: not all of them are awaited."""
    returned = sorted(
        {(event.customer_id, line.sku) for event, _ in events for line in event.lines}
    )
    if returned:
        customers, skus = zip(*returned, strict=True)
        await session.execute(_RETURN, {"customers": customers, "skus": skus})
