"""An erasure: what was asked for, and which services have done it."""

from datetime import datetime
from typing import Literal, get_args

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from perennial_events import Event
from perennial_events.catalogue import CustomerErased
from profile_service.db import Base

Service = Literal["profile", "orders", "engagement", "support", "recommend"]
SERVICES: tuple[Service, ...] = get_args(Service)
"""All who may hold something of a customer."""


class ErasureStep(Base):
    """One service's part."""

    __tablename__ = "erasure_steps"

    erasure_id: Mapped[str] = mapped_column(ForeignKey("erasures.erasure_id"), primary_key=True)
    service: Mapped[str] = mapped_column(primary_key=True)
    done_at: Mapped[datetime | None]

    @property
    def status(self) -> str:
        return "pending" if self.done_at is None else "done"


class Erasure(Base):
    """That a customer is forgotten, by whom it was asked for, and how far it has come."""

    __tablename__ = "erasures"

    erasure_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    requested_by: Mapped[str]
    """The id of the API key."""
    requested_at: Mapped[datetime]
    services: Mapped[list[ErasureStep]] = relationship(
        lazy="selectin", order_by=ErasureStep.service
    )

    @property
    def status(self) -> str:
        return "done" if all(step.done_at for step in self.services) else "pending"

    @property
    def done_at(self) -> datetime | None:
        """When the last service was done."""
        times = [step.done_at for step in self.services]
        return max(each for each in times if each) if all(times) else None

    def begin(self, identities: list[str]) -> list[Event]:
        """Ask every service; this one is done with the transaction at hand."""
        self.services = [
            ErasureStep(service=each, done_at=self.requested_at if each == "profile" else None)
            for each in sorted(SERVICES)
        ]
        return [
            CustomerErased(
                customer_id=self.customer_id, erasure_id=self.erasure_id, identities=identities
            )
        ]
