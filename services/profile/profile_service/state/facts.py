"""What each event says about a customer, gathered from a batch into columns for set-wise statements.

Pure: a batch goes in, columns come out. One function an event type, one file a producer.
"""

from collections.abc import Iterable, Mapping

from perennial_events import Event, Received
from perennial_events.catalogue import Clicked
from profile_service.state.changes import Facts, Gatherer, TimelineRow
from profile_service.state.from_engagement import ENGAGEMENT
from profile_service.state.from_orders import ORDERS
from profile_service.state.from_profile import PROFILE
from profile_service.state.from_support import SUPPORT

GATHERERS: Mapping[type[Event], Gatherer] = {**ENGAGEMENT, **ORDERS, **PROFILE, **SUPPORT}
"""The events that make up customer state and timeline, and what each of them says."""

FACTS = frozenset(event_type.fact for event_type in GATHERERS)
"""Their names, `clicked` among them."""


def gather(batch: Iterable[Received[Event]]) -> Facts:
    """The facts of a batch, in its order."""
    facts = Facts()
    timeline = facts.timeline
    for event, envelope in batch:
        gatherer = GATHERERS[type(event)]
        identity = gatherer(facts, event, envelope)
        if identity is not None:
            timeline.append(
                TimelineRow(
                    identity,
                    envelope.time,
                    envelope.id,
                    envelope.type,
                    envelope.data,
                    name_of(event),
                    event.sku if isinstance(event, Clicked) else None,
                )
            )
    return facts


def name_of(event: Event) -> str:
    """What happened, in a word: `order_paid`, `product_viewed`.

    A click that somebody gave the name of a fact is told apart: nobody can click themselves an order.
    """
    if not isinstance(event, Clicked):
        return event.fact
    return f"clicked:{event.name}" if event.name in FACTS else event.name


def customers_of(batch: Iterable[Received[Event]]) -> set[str]:
    """The customers that a batch names."""
    return {
        customer_id
        for event, _ in batch
        if (customer_id := getattr(event, "customer_id", None)) is not None
    }
