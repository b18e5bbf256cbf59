"""A rule of the shop, as it is stored."""

from datetime import datetime

from sqlalchemy import DateTime
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The mapped classes of this capability."""


class MerchandisingRule(Base):
    __tablename__ = "merchandising_rules"

    rule_id: Mapped[str] = mapped_column(primary_key=True)
    action: Mapped[str]
    field: Mapped[str]
    value: Mapped[str]
    segment: Mapped[str | None]
    placement: Mapped[str | None]
    factor: Mapped[float | None]
    starts_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    made_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(default=1)
