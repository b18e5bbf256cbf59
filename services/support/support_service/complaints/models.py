"""A complaint: what a customer said went wrong."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, column_property, mapped_column

from perennial_events import Event
from perennial_events.catalogue import ComplaintOpened
from perennial_events.catalogue.complaints import Category, Severity
from perennial_events.identities import survivor
from support_service.cases.models import Case
from support_service.db import Base


class Complaint(Base):
    """One complaint, in the customer's own words. It stays as it came; what follows is its case's."""

    __tablename__ = "complaints"

    complaint_id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("cases.case_id"))
    customer_id: Mapped[str] = mapped_column()
    order_id: Mapped[str | None]
    sku: Mapped[str | None]
    category: Mapped[Category]
    severity: Mapped[Severity]
    suggested_category: Mapped[bool]
    suggested_severity: Mapped[bool]
    because: Mapped[dict[str, Any]]
    """`{category, severity}`: the words that decided what was suggested."""
    text: Mapped[str]
    """Personal data: it leaves this database by the API only."""
    channel: Mapped[str]
    joined: Mapped[bool]
    """Whether its case was open before it."""
    opened_at: Mapped[datetime]
    survivor_id: Mapped[str] = column_property(survivor(customer_id), expire_on_flush=False)
    """Who answers to `customer_id` today, since merges."""

    @property
    def suggested(self) -> dict[str, bool]:
        return {"category": self.suggested_category, "severity": self.suggested_severity}

    def open(self, case: Case, *, joined: bool) -> list[Event]:
        """Belong to this case: a new one for this complaint, or one that it joins."""
        if joined:
            case.complain(self.severity, self.channel, self.opened_at)
        self.case_id, self.joined = case.case_id, joined
        return [
            ComplaintOpened(
                complaint_id=self.complaint_id,
                case_id=self.case_id,
                customer_id=self.customer_id,
                order_id=self.order_id,
                sku=self.sku,
                category=self.category,
                severity=self.severity,
                channel=self.channel,
                joined=joined,
            )
        ]
