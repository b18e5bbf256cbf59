"""What each event says about a customer, gathered from a batch into columns for set-wise statements.

Pure: a batch goes in, columns come out. One function an event type.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from perennial_events import Envelope, Event, Received
from perennial_events.catalogue import (
    Clicked,
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    CustomerRegistered,
    CustomerUpdated,
    MessageClicked,
    MessageOpened,
    MessageSent,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ProductChanged,
    RecoveryGranted,
    ReturnReceived,
    ReturnRequested,
    ReviewSubmitted,
    ShipmentDelayed,
    ShipmentScanned,
    StageChanged,
    SurveyAnswered,
    ValueChanged,
    VisitorIdentified,
)
from profile_service.state.changes import CaseChange, MessageChange, ReturnChange, Satisfaction
from profile_service.state.identity import anonymous, visitor


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
    """A line each: category, price, sku, and how many of the sku this line and those before it hold.

    Goods that come back are taken from the first lines: a line is gone when so many are back.
    """


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


@dataclass(slots=True)
class Facts:
    """A batch's facts, by the key of the row that each of them changes."""

    orders: dict[str, OrderChange] = field(default_factory=dict)
    clicks: dict[tuple[str, date], ClickDay] = field(default_factory=dict)
    cases: dict[str, CaseChange] = field(default_factory=dict)
    complaints: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    returns: dict[str, ReturnChange] = field(default_factory=dict)
    messages: dict[str, MessageChange] = field(default_factory=dict)
    satisfaction: dict[str, Satisfaction] = field(default_factory=dict)
    recoveries: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    products: dict[str, str | None] = field(default_factory=dict)
    timeline: list[TimelineRow] = field(default_factory=list)

    def order(self, event: Any) -> OrderChange:
        change = self.orders.get(event.order_id)
        if change is None:
            change = self.orders[event.order_id] = OrderChange(event.customer_id)
        return change

    def case(self, event: Any, *, is_open: bool) -> CaseChange:
        change = self.cases.setdefault(event.case_id, CaseChange(event.customer_id, is_open))
        change.is_open = is_open
        return change

    def returned(self, event: Any) -> ReturnChange:
        change = ReturnChange(event.order_id, event.customer_id)
        return self.returns.setdefault(event.return_id, change)

    def message(self, event: Any) -> MessageChange:
        change = MessageChange(event.customer_id, event.channel)
        return self.messages.setdefault(event.message_id, change)


def gather(batch: Iterable[Received[Event]]) -> Facts:
    """The facts of a batch, in its order."""
    facts = Facts()
    timeline = facts.timeline
    for event, envelope in batch:
        gatherer = GATHERERS[type(event)]
        identity = gatherer(facts, event, envelope)
        if identity is not None:
            timeline.append(
                TimelineRow(identity, envelope.time, envelope.id, envelope.type, envelope.data)
            )
    return facts


Gatherer = Callable[[Facts, Any, Envelope], str | None]
"""Notes an event's facts, and returns whose timeline it belongs to."""


def _of_customer(_facts: Facts, event: Any, _envelope: Envelope) -> str | None:
    return str(event.customer_id)


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
    if event.base_total is not None and event.total:
        change.prices = _prices(event, event.base_total)
    return event.customer_id


def _prices(event: OrderPlaced, base_total: int) -> list[list[Any]]:
    through: dict[str, int] = {}
    prices = []
    for line in event.lines:
        through[line.sku] = through.get(line.sku, 0) + line.quantity
        if line.category is not None:
            price = line.unit_price * base_total // event.total
            prices.append([line.category, price, line.sku, through[line.sku]])
    return prices


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


def _returned(facts: Facts, event: ReturnReceived, envelope: Envelope) -> str:
    facts.order(event).returns += 1
    facts.returned(event).received_at = envelope.time
    return event.customer_id


def _refunded(facts: Facts, event: OrderRefunded, _envelope: Envelope) -> str:
    change = facts.order(event)
    change.refunded += event.base_amount or 0
    change.refunded_cost += event.base_cost or 0
    facts.returned(event).lines = [[line.sku, line.quantity] for line in event.lines]
    return event.customer_id


def _complained(facts: Facts, event: ComplaintOpened, envelope: Envelope) -> str:
    case = facts.case(event, is_open=True)
    case.opened_at = min(case.opened_at or envelope.time, envelope.time)
    facts.complaints[event.complaint_id] = (event.customer_id, envelope.time)
    return event.customer_id


def _resolved(facts: Facts, event: ComplaintResolved, _envelope: Envelope) -> str:
    facts.case(event, is_open=False)
    return event.customer_id


def _reopened(facts: Facts, event: ComplaintReopened, _envelope: Envelope) -> str:
    facts.case(event, is_open=True)
    return event.customer_id


def _reviewed(facts: Facts, event: ReviewSubmitted, envelope: Envelope) -> str:
    return _satisfied(facts, event.customer_id, event.rating, envelope)


def _surveyed(facts: Facts, event: SurveyAnswered, envelope: Envelope) -> str:
    if event.survey != "csat":
        return event.customer_id
    return _satisfied(facts, event.customer_id, event.score, envelope)


def _satisfied(facts: Facts, customer_id: str, level: int, envelope: Envelope) -> str:
    said = Satisfaction(envelope.time, envelope.id, level)
    facts.satisfaction[customer_id] = max(said, facts.satisfaction.get(customer_id, said))
    return customer_id


def _recovered(facts: Facts, event: RecoveryGranted, _envelope: Envelope) -> str:
    facts.recoveries[event.recovery_id] = event.customer_id
    return event.customer_id


def _sent(facts: Facts, event: MessageSent, envelope: Envelope) -> str:
    facts.message(event).sent_at = envelope.time
    return event.customer_id


def _opened(facts: Facts, event: MessageOpened, envelope: Envelope) -> str:
    message = facts.message(event)
    message.opened_at = min(message.opened_at or envelope.time, envelope.time)
    return event.customer_id


def _followed(facts: Facts, event: MessageClicked, envelope: Envelope) -> str:
    message = facts.message(event)
    message.clicked_at = min(message.clicked_at or envelope.time, envelope.time)
    return event.customer_id


def _identified(facts: Facts, event: VisitorIdentified, envelope: Envelope) -> str:
    identity = anonymous(event.anonymous_id)
    known = facts.aliases.get(identity)
    if known is None or known[1] <= envelope.time:
        facts.aliases[identity] = (event.customer_id, envelope.time)
    return event.customer_id


def _product(facts: Facts, event: ProductChanged, _envelope: Envelope) -> None:
    facts.products[event.sku] = event.category


GATHERERS: Mapping[type[Event], Gatherer] = {
    Clicked: _clicked,
    ComplaintAnswered: _of_customer,
    ComplaintEscalated: _of_customer,
    ComplaintOpened: _complained,
    ComplaintReopened: _reopened,
    ComplaintResolved: _resolved,
    CustomerRegistered: _of_customer,
    CustomerUpdated: _of_customer,
    MessageClicked: _followed,
    MessageOpened: _opened,
    MessageSent: _sent,
    OrderCancelled: _cancelled,
    OrderCompleted: _of_customer,
    OrderDelivered: _delivered,
    OrderPaid: _paid,
    OrderPlaced: _placed,
    OrderRefunded: _refunded,
    OrderShipped: _of_customer,
    ProductChanged: _product,
    RecoveryGranted: _recovered,
    ReturnReceived: _returned,
    ReturnRequested: _of_customer,
    ReviewSubmitted: _reviewed,
    ShipmentDelayed: _delayed,
    ShipmentScanned: _of_customer,
    StageChanged: _of_customer,
    SurveyAnswered: _surveyed,
    ValueChanged: _of_customer,
    VisitorIdentified: _identified,
}
"""The events that make up customer state and timeline, and what each of them says."""


def customers_of(batch: Iterable[Received[Event]]) -> set[str]:
    """The customers that a batch names."""
    return {
        customer_id
        for event, _ in batch
        if (customer_id := getattr(event, "customer_id", None)) is not None
    }
