"""What a batch changes of cases, returns and messages, and how satisfied a customer said they were."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID


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
