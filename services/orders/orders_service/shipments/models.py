"""Shipments of an order, and the scans that follow them."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from perennial_events import Event
from perennial_events.catalogue import OrderShipped, ShipmentDelayed, ShipmentScanned

ScanStatus = Literal["picked_up", "in_transit", "out_for_delivery", "delivered", "failed", "lost"]


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

    def scan(self, status: ScanStatus, at: datetime) -> list[Event]:
        """The carrier saw the parcel. The first `delivered` counts; none undoes it."""
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
    status: Mapped[ScanStatus] = mapped_column(primary_key=True)
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    place: Mapped[str | None]
