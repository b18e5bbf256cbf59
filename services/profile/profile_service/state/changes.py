"""What a batch of events changes, by the row that each of them changes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from perennial_events import Envelope, Event, Received


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


@dataclass(slots=True)
class CaseChange:
    customer_id: str
    is_open: bool
    opened_at: datetime | None = None


@dataclass(slots=True)
class ReturnChange:
    """A return. `lines` are `[sku, quantity]` of what was paid back."""

    order_id: str
    customer_id: str
    received_at: datetime | None = None
    lines: list[list[Any]] | None = None


@dataclass(slots=True)
class MessageChange:
    customer_id: str
    channel: str
    sent_at: datetime | None = None
    opened_at: datetime | None = None
    clicked_at: datetime | None = None


class Satisfaction(NamedTuple):
    """How satisfied somebody said they were, from 1 to 5; of two, the greater one is the later."""

    at: datetime
    event_id: UUID
    level: int


class TimelineRow(NamedTuple):
    identity: str
    at: datetime
    event_id: Any
    type: str
    data: str
    name: str
    """By which rules of segments call it: a click's own name, or the fact."""
    sku: str | None
    """The product that was clicked."""


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
    identities: list[Received[Event]] = field(default_factory=list)
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


Gatherer: TypeAlias = Callable[[Facts, Any, Envelope], str | None]
"""Notes an event's facts, and returns whose timeline it belongs to."""


def of_customer(_facts: Facts, event: Any, _envelope: Envelope) -> str | None:
    """An event that only its customer's timeline tells of."""
    customer_id: str | None = event.customer_id
    return customer_id


def stitched(facts: Facts, event: Any, envelope: Envelope) -> str:
    """An event by which an anonymous visitor becomes a customer, or is theirs no longer."""
    facts.identities.append(Received(event, envelope))
    return str(event.customer_id)
