"""Shipments of an order, and the scans that follow them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from orders_service.shipments import rules
from orders_service.transitions import next_state
from perennial_events import Event
from perennial_events.catalogue import OrderShipped, ShipmentDelayed, ShipmentScanned


class Shipment(Base):
    """A parcel with a promise."""

    __tablename__ = "shipments"

    shipment_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    customer_id: Mapped[str]
    carrier: Mapped[str]
    tracking_number: Mapped[str]
    lines: Mapped[list[dict[str, Any]]]
    promised_at: Mapped[datetime]
    shipped_at: Mapped[datetime]
    delivered_at: Mapped[datetime | None]
    delay_told_at: Mapped[datetime | None]
    status: Mapped[rules.Status] = mapped_column(default="shipped")
    status_at: Mapped[datetime | None]
    """When the carrier saw the parcel so; None before the first scan."""
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    def ship(self) -> list[Event]:
        return [
            OrderShipped(
                order_id=self.order_id,
                customer_id=self.customer_id,
                shipment_id=self.shipment_id,
                carrier=self.carrier,
                promised_at=self.promised_at,
            )
        ]

    def scan(self, status: rules.Seen, at: datetime) -> list[Event]:
        """The carrier saw the parcel. The first `delivered` counts; none undoes it.

        A scan that comes late, about an earlier time than is known already, changes nothing but the
        way the parcel took; unless it tells of the delivery.
        """
        comes_late = self.status_at is not None and at < self.status_at
        if not comes_late or (status == "delivered" and self.delivered_at is None):
            self.status = next_state(
                rules.TRANSITIONS, f"Shipment {self.shipment_id}", self.status, status
            )
            self.status_at = at
        if status == "delivered" and self.delivered_at is None:
            self.delivered_at = at
        return [
            ShipmentScanned(
                shipment_id=self.shipment_id,
                order_id=self.order_id,
                customer_id=self.customer_id,
                status=status,
            )
        ]

    def delay(self, now: datetime) -> list[Event]:
        """The promise is broken. Told once."""
        if self.delay_told_at is not None:
            return []
        self.delay_told_at = now
        return [
            ShipmentDelayed(
                shipment_id=self.shipment_id,
                order_id=self.order_id,
                customer_id=self.customer_id,
                promised_at=self.promised_at,
            )
        ]

    @property
    def late(self) -> bool:
        return self.delivered_at is not None and self.delivered_at > self.promised_at


class Scan(Base):
    """One sighting of a parcel."""

    __tablename__ = "scans"

    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipments.shipment_id"), primary_key=True)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    status: Mapped[rules.Seen] = mapped_column(primary_key=True)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    place: Mapped[str | None]
