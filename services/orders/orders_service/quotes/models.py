"""The quote."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from orders_service.quotes import rules
from orders_service.transitions import next_state
from perennial_events import Event
from perennial_events.catalogue import (
    QuoteAccepted,
    QuoteCreated,
    QuoteDeclined,
    QuoteExpired,
    QuoteSent,
)


class Quote(Base):
    """An offer to a company. A transition checks, changes, and returns the events that tell of it."""

    __tablename__ = "quotes"

    quote_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    opportunity_id: Mapped[str | None] = mapped_column(ForeignKey("opportunities.opportunity_id"))
    owner: Mapped[str]
    """The code of the member of staff whose sale this is."""
    status: Mapped[rules.Status]
    currency: Mapped[str]
    lines: Mapped[list[dict[str, Any]]]
    """As an order has them."""
    items: Mapped[int]
    discount: Mapped[int]
    shipping: Mapped[int]
    valid_until: Mapped[datetime]
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.order_id"))
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    @property
    def total(self) -> int:
        return self.items - self.discount + self.shipping

    def create(self) -> list[Event]:
        return [
            QuoteCreated(
                quote_id=self.quote_id,
                customer_id=self.customer_id,
                opportunity_id=self.opportunity_id,
                owner=self.owner,
                currency=self.currency,
                total=self.total,
                valid_until=self.valid_until,
            )
        ]

    def send(self, at: datetime) -> list[Event]:
        self._go("send", at)
        self.sent_at = at
        return [
            QuoteSent(
                quote_id=self.quote_id,
                customer_id=self.customer_id,
                owner=self.owner,
                valid_until=self.valid_until,
            )
        ]

    def accept(self, order_id: str, at: datetime) -> list[Event]:
        self._go("accept", at)
        self.order_id, self.decided_at = order_id, at
        return [
            QuoteAccepted(
                quote_id=self.quote_id,
                customer_id=self.customer_id,
                owner=self.owner,
                order_id=order_id,
            )
        ]

    def decline(self, at: datetime) -> list[Event]:
        self._go("decline", at)
        self.decided_at = at
        return [
            QuoteDeclined(quote_id=self.quote_id, customer_id=self.customer_id, owner=self.owner)
        ]

    def expire(self) -> list[Event]:
        """Its time is over. The fact is as old as the end of its validity."""
        self._go("expire", None)
        self.decided_at = self.valid_until
        return [
            QuoteExpired(quote_id=self.quote_id, customer_id=self.customer_id, owner=self.owner)
        ]

    def _go(self, action: rules.Action, at: datetime | None) -> None:
        # The clock's own round may come a moment after the end of its validity.
        over = at is not None and at >= self.valid_until and self.status in ("draft", "sent")
        status: rules.Status = "expired" if over else self.status
        self.status = next_state(rules.TRANSITIONS, f"Quote {self.quote_id}", status, action)
