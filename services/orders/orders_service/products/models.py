"""The product, as the shop describes it."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from perennial_events import Event
from perennial_events.catalogue import ProductChanged


class Product(Base):
    """What can be ordered. One that was only met in an order has a sku and nothing else."""

    __tablename__ = "products"

    sku: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str | None]
    category: Mapped[str | None]
    price: Mapped[int | None]
    cost: Mapped[int | None]
    currency: Mapped[str | None]
    """Of price and cost alike."""
    attributes: Mapped[dict[str, Any]] = mapped_column(default=dict)
    image_url: Mapped[str | None]
    available: Mapped[bool] = mapped_column(default=True)
    replenish_after_days: Mapped[int | None]
    changed_at: Mapped[datetime]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    def changed(self) -> list[Event]:
        return [
            ProductChanged(
                sku=self.sku,
                name=self.name,
                category=self.category,
                price=self.price,
                cost=self.cost,
                currency=self.currency,
                available=self.available,
                replenish_after_days=self.replenish_after_days,
            )
        ]
