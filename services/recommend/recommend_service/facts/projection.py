"""The projection `recommendations`: facts, one statement a table, and the journal that tells of them."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Event, Projection, Reaction, Received, driver
from perennial_events.catalogue import (
    Clicked,
    ComplaintOpened,
    CustomerErased,
    OrderCancelled,
    OrderPlaced,
    OrderRefunded,
    ProductChanged,
    ReturnReceived,
)
from perennial_events.identities import MERGES, STITCHES, anonymous, follow_identities
from recommend_service.facts.baskets import cancel_orders, place_orders, reject_products
from recommend_service.facts.products import describe_products
from recommend_service.facts.views import store_views, views_of

E = TypeVar("E", bound=Event)

_FOLLOWED: tuple[type[Event], ...] = (*STITCHES, *MERGES)
"""The events that say whose an identity is."""

_TELL = "INSERT INTO journal (changes) VALUES ($1)"


async def follow(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    """Apply a batch. Each fact stands by itself, and topics have no order among each other; only a
    product's descriptions, and a customer's merges, follow their order in the log."""
    connection = await driver(session)
    await store_views(connection, _of(Clicked, batch))
    await place_orders(connection, _of(OrderPlaced, batch))
    await cancel_orders(connection, _of(OrderCancelled, batch))
    await describe_products(connection, _of(ProductChanged, batch))
    if followed := _among(_FOLLOWED, batch):
        await follow_identities(session, followed)
    back: list[Received[ReturnReceived] | Received[OrderRefunded]] = [
        *_of(ReturnReceived, batch),
        *_of(OrderRefunded, batch),
    ]
    await reject_products(connection, back, _of(ComplaintOpened, batch))


def _of(event_type: type[E], batch: Sequence[Received[Any]]) -> list[Received[E]]:
    return [received for received in batch if isinstance(received.event, event_type)]


def _among(types: tuple[type[Event], ...], batch: Sequence[Received[Any]]) -> list[Received[Any]]:
    return [received for received in batch if isinstance(received.event, types)]


async def tell(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    """Write down what changed, for every process that keeps models in memory.

    Views travel whole; of everything else the keys, by which the rows are read as they then are.
    """
    changes: dict[str, list[Any]] = {
        "views": [
            (view.identity, view.sku, round(view.at.timestamp(), 3), view.added)
            for view in views_of(_of(Clicked, batch))
        ],
        "orders": sorted(
            {e.order_id for e, _ in _of(OrderPlaced, batch)}
            | {e.order_id for e, _ in _of(OrderCancelled, batch)}
        ),
        "products": sorted({event.sku for event, _ in _of(ProductChanged, batch)}),
        "aliases": sorted(
            {anonymous(event.anonymous_id) for event, _ in _among(STITCHES, batch)}
            | {event.customer_id for event, _ in _among(MERGES, batch)}
        ),
        "erased": sorted(
            {id for event, _ in _of(CustomerErased, batch) for id in event.identities}
        ),
        "rejected_by": sorted(
            {event.customer_id for event, _ in _of(ReturnReceived, batch)}
            | {event.customer_id for event, _ in _of(OrderRefunded, batch)}
            | {event.customer_id for event, _ in _of(ComplaintOpened, batch)}
        ),
    }
    told = {kind: each for kind, each in changes.items() if each}
    if told:
        await write_journal(session, told)


async def write_journal(session: AsyncSession, changes: dict[str, list[Any]]) -> None:
    connection = await driver(session)
    await connection.execute(_TELL, json.dumps(changes, separators=(",", ":")))


_FACTS: tuple[type[Event], ...] = (
    *_FOLLOWED,
    ProductChanged,
    OrderPlaced,
    OrderCancelled,
    ReturnReceived,
    OrderRefunded,
    ComplaintOpened,
    Clicked,
)

RECOMMENDATIONS = Projection(
    name="recommendations",
    tables=("products", "aliases", "baskets", "rejections", "views"),
    subscribes=_FACTS,
    apply=follow,
)

JOURNAL = Reaction(name="journal", subscribes=(*_FACTS, CustomerErased), apply=tell)
