"""A review: a rating, and what the customer wrote to it."""

from datetime import datetime

from sqlalchemy.orm import Mapped, column_property, mapped_column

from perennial_events import Event
from perennial_events.catalogue import ReviewSubmitted
from perennial_events.identities import survivor
from support_service.db import Base


class Review(Base):
    """One review. It stays as it came."""

    __tablename__ = "reviews"

    review_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column()
    order_id: Mapped[str | None]
    sku: Mapped[str | None]
    rating: Mapped[int]
    """From 1 (very dissatisfied) to 5 (very satisfied)."""
    title: Mapped[str | None]
    text: Mapped[str | None]
    """Both are personal data: they leave this database by the API only."""
    channel: Mapped[str | None]
    submitted_at: Mapped[datetime]
    survivor_id: Mapped[str] = column_property(survivor(customer_id), expire_on_flush=False)
    """Who answers to `customer_id` today, since merges."""

    def submit(self) -> list[Event]:
        return [
            ReviewSubmitted(
                review_id=self.review_id,
                customer_id=self.customer_id,
                order_id=self.order_id,
                sku=self.sku,
                rating=self.rating,
                channel=self.channel,
            )
        ]
