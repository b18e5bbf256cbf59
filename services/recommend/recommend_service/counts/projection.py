"""The projection `recommendations`: the counts, and the facts that say what not to recommend."""

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Event, Projection, Received
from perennial_events.catalogue import (
    Clicked,
    OrderCancelled,
    OrderPlaced,
    OrderRefunded,
    ProductChanged,
    ReturnReceived,
)
from perennial_events.identities import MERGES, STITCHES, follow_identities
from recommend_service.counts.baskets import count_baskets, take_back
from recommend_service.counts.products import describe_products
from recommend_service.counts.trends import count_trends
from recommend_service.counts.views import count_views

E = TypeVar("E", bound=Event)

FOLLOWED = (*STITCHES, *MERGES)
"""The events that say whose an identity is."""


async def follow(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    """Apply a batch. Each fact stands by itself or is added up, and topics have no order among each
    other; only a visitor's clicks, and a product's descriptions, follow their order in the log."""
    await describe_products(session, _of(ProductChanged, batch))
    if followed := [each for each in batch if isinstance(each.event, FOLLOWED)]:
        await follow_identities(session, followed)
    await take_back(session, [*_of(ReturnReceived, batch), *_of(OrderRefunded, batch)])
    orders = await count_baskets(session, _of(OrderPlaced, batch), _of(OrderCancelled, batch))
    views, adds = await count_views(session, _of(Clicked, batch))
    await count_trends(session, views=views, adds=adds, orders=orders)


def _of(event_type: type[E], batch: Sequence[Received[Any]]) -> list[Received[E]]:
    return [received for received in batch if isinstance(received.event, event_type)]


RECOMMENDATIONS = Projection(
    name="recommendations",
    tables=(
        "products",
        "aliases",
        "baskets",
        "returned",
        "recent_views",
        "basket_counts",
        "basket_pairs",
        "view_counts",
        "view_pairs",
        "trends",
    ),
    subscribes=(
        ProductChanged,
        OrderPlaced,
        OrderCancelled,
        ReturnReceived,
        OrderRefunded,
        Clicked,
        *FOLLOWED,
    ),
    apply=follow,
)
