"""The opportunity: a sale to a company, on its way."""

from datetime import date, datetime

from sqlalchemy import Date
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from orders_service.opportunities import rules
from orders_service.transitions import next_state
from perennial_events import Event
from perennial_events.catalogue import OpportunityMoved, OpportunityOpened


class Opportunity(Base):
    """A sale that may come true. A transition checks, changes, and returns its events."""

    __tablename__ = "opportunities"

    opportunity_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    owner: Mapped[str]
    """The code of the member of staff whose sale this is."""
    title: Mapped[str]
    stage: Mapped[rules.Stage]
    currency: Mapped[str]
    value: Mapped[int]
    expected_on: Mapped[date] = mapped_column(Date)
    """The day on which it is expected to be won."""
    next_step: Mapped[str | None]
    next_step_due: Mapped[date | None] = mapped_column(Date)
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    def open(self) -> list[Event]:
        return [
            OpportunityOpened(
                opportunity_id=self.opportunity_id,
                customer_id=self.customer_id,
                owner=self.owner,
                stage=self.stage,
                currency=self.currency,
                value=self.value,
            )
        ]

    def move(self, stage: rules.Stage, at: datetime) -> list[Event]:
        previous = self.stage
        what = f"Opportunity {self.opportunity_id}"
        self.stage = next_state(rules.TRANSITIONS, what, previous, stage)
        self.closed_at = at if stage in ("won", "lost") else None
        return [
            OpportunityMoved(
                opportunity_id=self.opportunity_id,
                customer_id=self.customer_id,
                owner=self.owner,
                previous=previous,
                stage=stage,
                currency=self.currency,
                value=self.value,
            )
        ]
