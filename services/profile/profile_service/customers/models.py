"""The customer, as somebody described them."""

from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy.orm import Mapped, mapped_column

from perennial_events import Event
from perennial_events.catalogue import CustomerRegistered, CustomerUpdated
from profile_service.db import Base

Kind = Literal["person", "company"]


class Customer(Base):
    """A customer. One that was only met in an event has an id and nothing else."""

    __tablename__ = "customers"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    registered: Mapped[bool]
    kind: Mapped[Kind]
    company_id: Mapped[str | None]
    email: Mapped[str | None]
    phone: Mapped[str | None]
    name: Mapped[str | None]
    locale: Mapped[str | None]
    timezone: Mapped[str | None]
    country: Mapped[str | None]
    postcode: Mapped[str | None]
    birth_date: Mapped[date | None]
    attributes: Mapped[dict[str, Any]]
    acquisition: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    """Since when nothing but the id is known of them."""
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    def register(self) -> list[Event]:
        """Somebody introduced this customer."""
        self.registered = True
        acquisition = self.acquisition or {}
        cost = acquisition.get("cost") or {}
        return [
            CustomerRegistered(
                customer_id=self.customer_id,
                kind=self.kind,
                country=self.country,
                locale=self.locale,
                acquisition_channel=acquisition.get("channel"),
                acquisition_campaign=acquisition.get("campaign"),
                acquisition_cost=cost.get("amount"),
                acquisition_currency=cost.get("currency"),
            )
        ]

    def update(self, changes: dict[str, Any]) -> list[Event]:
        """Take over what differs; nothing is told where nothing does."""
        changed = sorted(name for name, value in changes.items() if getattr(self, name) != value)
        for name in changed:
            setattr(self, name, changes[name])
        return [CustomerUpdated(customer_id=self.customer_id, fields=changed)] if changed else []
