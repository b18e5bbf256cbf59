"""Endpoints and deliveries as they are stored. A transition checks, changes, and returns its events."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from engagement_service.db import Base
from engagement_service.webhooks import rules
from engagement_service.webhooks.payloads import Payload
from perennial_events import Event
from perennial_events.catalogue import WebhookEndpointCreated


class Endpoint(Base):
    """Where a partner wants to hear of events. The deliverer alone writes the breaker's columns."""

    __tablename__ = "webhook_endpoints"

    endpoint_id: Mapped[str] = mapped_column(primary_key=True)
    url: Mapped[str]
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str | None]
    payload: Mapped[Payload]
    ordered: Mapped[bool]
    status: Mapped[rules.Status]
    note: Mapped[str | None]
    """Why it was disabled, for the operator."""
    secret: Mapped[bytes]
    previous_secret: Mapped[bytes | None]
    previous_until: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    open_until: Mapped[datetime | None]
    created_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    def create(self) -> list[Event]:
        return [WebhookEndpointCreated(endpoint_id=self.endpoint_id)]

    def rotate(self, sealed: bytes, now: datetime) -> None:
        """Sign with a new secret, and for a day with the one before it as well."""
        self.previous_secret, self.previous_until = self.secret, now + rules.ROTATION
        self.secret = sealed

    def pause(self) -> None:
        """Nothing is sent until it is resumed; what comes meanwhile waits. A disabled one stays so."""
        if self.status == "active":
            self.status = "paused"

    def resume(self) -> None:
        """Send again, with a clean record: what waits goes out at once."""
        self.status, self.note = "active", None
        self.failures, self.failing_since, self.open_until = 0, None, None


class Delivery(Base):
    """One event on its way to one endpoint."""

    __tablename__ = "webhook_deliveries"

    delivery_id: Mapped[int] = mapped_column(primary_key=True)
    endpoint_id: Mapped[str]
    event_id: Mapped[UUID]
    type: Mapped[str]
    order_key: Mapped[str | None]
    status: Mapped[rules.DeliveryStatus]
    attempts: Mapped[int]
    due_at: Mapped[datetime]
    last_status: Mapped[int | None]
    last_failure: Mapped[str | None]
    created_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
