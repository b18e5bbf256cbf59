"""The case, and what staff wrote about it."""

from datetime import datetime
from typing import Literal

from sqlalchemy import ForeignKey, literal_column
from sqlalchemy.orm import Mapped, column_property, mapped_column

from perennial_events import Event
from perennial_events.catalogue import (
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintReopened,
    ComplaintResolved,
)
from perennial_events.catalogue.complaints import Category, Severity
from perennial_events.identities import survivor
from support_service.cases import rules
from support_service.db import Base

MessageKind = Literal["reply", "note", "escalation", "resolution", "reopening"]


class Case(Base):
    """A customer's trouble with an order (or with anything else), until it is resolved.

    Its row is locked before anything of it changes. A transition checks, changes, and returns the
    events that tell of it.
    """

    __tablename__ = "cases"

    case_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column()
    order_id: Mapped[str | None]
    status: Mapped[rules.Status]
    queue: Mapped[rules.Queue]
    owner: Mapped[str]
    """Who answers for it: never nobody, never a third party."""
    category: Mapped[Category]
    """Of the first complaint: the case stays in the queue where it began."""
    severity: Mapped[Severity]
    """Of the gravest complaint."""
    priority: Mapped[int]
    level: Mapped[int]
    """How often it was escalated."""
    channel: Mapped[str]
    """Where the customer complained last, and is answered where nothing else is said."""
    opened_at: Mapped[datetime]
    first_response_at: Mapped[datetime | None]
    escalated_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    """None while it is not resolved."""
    reopened_at: Mapped[datetime | None]
    version: Mapped[int]
    """Moves with every change, so that it tags what was read of the case and its messages."""
    survivor_id: Mapped[str] = column_property(survivor(customer_id), expire_on_flush=False)
    """Who answers to `customer_id` today, since merges; the events name whom the case named."""

    def complain(self, severity: Severity, channel: str, at: datetime) -> None:
        """One more complaint belongs to this case: it is our turn again."""
        self._move("complain")
        self.severity = rules.graver(self.severity, severity)
        self.priority = rules.priority(self.severity, self.level)
        self.channel = channel
        self.opened_at = min(self.opened_at, at)

    def assign(self, owner: str) -> None:
        self._move("assign")
        self.owner = owner

    def note(self) -> None:
        self._move("note")

    def reply(self, at: datetime) -> list[Event]:
        """Staff answered the customer. The first answer is the case's first response."""
        self._move("reply")
        first = self.first_response_at is None
        if first:
            self.first_response_at = at
        return [ComplaintAnswered(case_id=self.case_id, customer_id=self.customer_id, first=first)]

    def escalate(self, at: datetime) -> list[Event]:
        self._move("escalate")
        self.level += 1
        self.priority = rules.priority(self.severity, self.level)
        self.escalated_at = at
        return [
            ComplaintEscalated(case_id=self.case_id, customer_id=self.customer_id, level=self.level)
        ]

    def resolve(self, at: datetime) -> list[Event]:
        self._move("resolve")
        self.resolved_at = at
        return [
            ComplaintResolved(
                case_id=self.case_id, customer_id=self.customer_id, category=self.category
            )
        ]

    def reopen(self, at: datetime) -> list[Event]:
        """The resolution did not hold."""
        self._move("reopen")
        self.resolved_at, self.reopened_at = None, at
        return [
            ComplaintReopened(
                case_id=self.case_id, customer_id=self.customer_id, category=self.category
            )
        ]

    def _move(self, action: rules.Action) -> None:
        self.status = rules.next_status(self.case_id, self.status, action)
        self.version += 1


# Written out, not bound: with a parameter there, no plan would use the partial index.
IS_OPEN = Case.status != literal_column("'resolved'")


class Message(Base):
    """What staff wrote: to the customer (`reply`), or among themselves. Personal data."""

    __tablename__ = "messages"

    message_id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))
    kind: Mapped[MessageKind]
    text: Mapped[str]
    author: Mapped[str]
    channel: Mapped[str | None]
    """How it went to the customer; None where it did not."""
    at: Mapped[datetime]
