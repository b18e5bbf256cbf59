"""Exchange rates, as the operator loads them."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base


class ExchangeRate(Base):
    """On `day`, one unit of `currency` was worth `rate` units of the base currency."""

    __tablename__ = "exchange_rates"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    rate: Mapped[Decimal] = mapped_column(Numeric)


class LoadedRate(Base):
    """A rate that was loaded just now, for which orders may be waiting."""

    __tablename__ = "rates_loaded"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    currency: Mapped[str] = mapped_column(primary_key=True)
    loaded_at: Mapped[datetime]
