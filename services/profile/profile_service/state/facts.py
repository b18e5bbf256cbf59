"""What each event says about a customer, gathered from a batch into columns for set-wise statements.

Pure: a batch goes in, columns come out. One function an event type.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from perennial_events import Envelope, Event, Received
from perennial_events.catalogue import (
    AnonymousIdAdded,
    AnonymousIdRemoved,
    Clicked,
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ConsentChanged,
    CustomerRegistered,
    CustomersMerged,
    CustomerUpdated,
    GiftCardIssued,
    GiftCardRedeemed,
    GiftCardRefunded,
    MergeUndone,
    OpportunityMoved,
    OpportunityOpened,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderPriced,
    OrderRefunded,
    OrderShipped,
    ProductChanged,
    QuoteAccepted,
    QuoteCreated,
    QuoteDeclined,
    QuoteExpired,
    QuoteSent,
    ReturnReceived,
    ReturnRequested,
    SegmentEntered,
    SegmentLeft,
    ShipmentDelayed,
    ShipmentScanned,
    StageChanged,
    VisitorIdentified,
    WishListChanged,
)
from perennial_events.catalogue.customers import MERGE
from profile_service.state.identity import visitor


@dataclass(slots=True)
class OrderChange:
    """What a batch changes of one order. None: as it was."""

    customer_id: str
    placed_at: datetime | None = None
    paid_at: datetime | None = None
    cancelled_at: datetime | None = None
    total: int | None = None
    cost: int | None = None
    refunded: int = 0
    refunded_cost: int = 0
    returns: int = 0
    late: bool = False
    overdue_since: datetime | None = None
    delivered_at: datetime | None = None
    prices: list[list[Any]] | None = None


@dataclass(slots=True)
class ClickDay:
    clicks: int
    last_at: datetime
    last_added_at: datetime | None = None


class TimelineRow(NamedTuple):
    identity: str
    at: datetime
    event_id: Any
    type: str
    data: str
    name: str
    """By which rules of segments call it: a click's own name, or the fact."""


@dataclass(slots=True)
class Facts:
    """A batch's facts, by the key of the row that each of them changes."""

    orders: dict[str, OrderChange] = field(default_factory=dict)
    clicks: dict[tuple[str, date], ClickDay] = field(default_factory=dict)
    cases: dict[str, tuple[str, bool]] = field(default_factory=dict)
    complaints: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    identities: list[Received[Event]] = field(default_factory=list)
    products: dict[str, str | None] = field(default_factory=dict)
    timeline: list[TimelineRow] = field(default_factory=list)

    def order(self, event: Any) -> OrderChange:
        change = self.orders.get(event.order_id)
        if change is None:
            change = self.orders[event.order_id] = OrderChange(event.customer_id)
        return change


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


Gatherer = Callable[[Facts, Any, Envelope], str | None]
"""Notes an event's facts, and returns whose timeline it belongs to."""


def _of_customer(_facts: Facts, event: Any, _envelope: Envelope) -> str | None:
    customer_id: str | None = event.customer_id
    return customer_id


def _clicked(facts: Facts, event: Clicked, envelope: Envelope) -> str:
    identity = visitor(event.customer_id, event.anonymous_id)
    at = envelope.time
    day = facts.clicks.get((identity, at.date()))
    if day is None:
        day = facts.clicks[identity, at.date()] = ClickDay(0, at)
    day.clicks += 1
    day.last_at = max(day.last_at, at)
    if event.name == "product_added":
        day.last_added_at = max(day.last_added_at or at, at)
    return identity


def _placed(facts: Facts, event: OrderPlaced, envelope: Envelope) -> str:
    change = facts.order(event)
    change.placed_at, change.total, change.cost = envelope.time, event.base_total, event.base_cost
    change.prices = _prices(event)
    return event.customer_id


def _priced(facts: Facts, event: OrderPriced, _envelope: Envelope) -> str:
    change = facts.order(event)
    change.total, change.cost = event.base_total, event.base_cost
    change.refunded += event.refunded_more
    change.refunded_cost += event.refunded_cost_more
    change.prices = _prices(event)
    return event.customer_id


def _prices(event: OrderPlaced | OrderPriced) -> list[list[Any]] | None:
    if event.base_total is None or not event.total:
        return None
    return [
        [line.category, line.unit_price * event.base_total // event.total]
        for line in event.lines
        if line.category is not None
    ]


def _paid(facts: Facts, event: OrderPaid, envelope: Envelope) -> str:
    facts.order(event).paid_at = envelope.time
    return event.customer_id


def _cancelled(facts: Facts, event: OrderCancelled, envelope: Envelope) -> str:
    facts.order(event).cancelled_at = envelope.time
    return event.customer_id


def _delayed(facts: Facts, event: ShipmentDelayed, _envelope: Envelope) -> str:
    facts.order(event).overdue_since = event.promised_at
    return event.customer_id


def _delivered(facts: Facts, event: OrderDelivered, envelope: Envelope) -> str:
    change = facts.order(event)
    change.delivered_at, change.late = envelope.time, event.late
    return event.customer_id


def _returned(facts: Facts, event: ReturnReceived, _envelope: Envelope) -> str:
    facts.order(event).returns += 1
    return event.customer_id


def _refunded(facts: Facts, event: OrderRefunded, _envelope: Envelope) -> str:
    change = facts.order(event)
    change.refunded += event.base_amount or 0
    change.refunded_cost += event.base_cost or 0
    return event.customer_id


def _complained(facts: Facts, event: ComplaintOpened, envelope: Envelope) -> str:
    if not event.joined:
        # A case is whose it was opened for; who joins it may be another identity of theirs.
        facts.cases[event.case_id] = (event.customer_id, True)
    facts.complaints[event.complaint_id] = (event.customer_id, envelope.time)
    return event.customer_id


def _resolved(facts: Facts, event: ComplaintResolved, _envelope: Envelope) -> str:
    facts.cases[event.case_id] = (event.customer_id, False)
    return event.customer_id


def _reopened(facts: Facts, event: ComplaintReopened, _envelope: Envelope) -> str:
    facts.cases[event.case_id] = (event.customer_id, True)
    return event.customer_id


def _stitched(facts: Facts, event: Any, envelope: Envelope) -> str:
    facts.identities.append(Received(event, envelope))
    return str(event.customer_id)


def _merged(facts: Facts, event: Any, envelope: Envelope) -> None:
    # In nobody's timeline: what is undone must leave no trace in either.
    facts.identities.append(Received(event, envelope))


def _staged(_facts: Facts, event: StageChanged, _envelope: Envelope) -> str | None:
    return None if event.reason == MERGE else event.customer_id


def _product(facts: Facts, event: ProductChanged, _envelope: Envelope) -> None:
    facts.products[event.sku] = event.category


GATHERERS: Mapping[type[Event], Gatherer] = {
    AnonymousIdAdded: _stitched,
    AnonymousIdRemoved: _stitched,
    Clicked: _clicked,
    ComplaintAnswered: _of_customer,
    ComplaintEscalated: _of_customer,
    ComplaintOpened: _complained,
    ComplaintReopened: _reopened,
    ComplaintResolved: _resolved,
    ConsentChanged: _of_customer,
    CustomerRegistered: _of_customer,
    CustomersMerged: _merged,
    CustomerUpdated: _of_customer,
    MergeUndone: _merged,
    GiftCardIssued: _of_customer,
    GiftCardRedeemed: _of_customer,
    GiftCardRefunded: _of_customer,
    OpportunityMoved: _of_customer,
    OpportunityOpened: _of_customer,
    OrderCancelled: _cancelled,
    OrderCompleted: _of_customer,
    OrderDelivered: _delivered,
    OrderPaid: _paid,
    OrderPlaced: _placed,
    OrderPriced: _priced,
    OrderRefunded: _refunded,
    OrderShipped: _of_customer,
    ProductChanged: _product,
    QuoteAccepted: _of_customer,
    QuoteCreated: _of_customer,
    QuoteDeclined: _of_customer,
    QuoteExpired: _of_customer,
    QuoteSent: _of_customer,
    ReturnReceived: _returned,
    ReturnRequested: _of_customer,
    SegmentEntered: _of_customer,
    SegmentLeft: _of_customer,
    ShipmentDelayed: _delayed,
    ShipmentScanned: _of_customer,
    StageChanged: _staged,
    VisitorIdentified: _stitched,
    WishListChanged: _of_customer,
}
"""The events that make up customer state and timeline, and what each of them says."""

FACTS = frozenset(event_type.fact for event_type in GATHERERS)
"""Their names, `clicked` among them."""


def customers_of(batch: Iterable[Received[Event]]) -> set[str]:
    """The customers that a batch names."""
    return {
        customer_id
        for event, _ in batch
        if (customer_id := getattr(event, "customer_id", None)) is not None
    }
