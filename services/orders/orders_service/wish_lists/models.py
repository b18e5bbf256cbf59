"""A wish: one product on a customer's list."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base


class WishListItem(Base):
    __tablename__ = "wish_list_items"

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    sku: Mapped[str] = mapped_column(primary_key=True)
    added_at: Mapped[datetime]
