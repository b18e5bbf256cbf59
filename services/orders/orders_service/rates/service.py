"""Load exchange rates, and find the one of an order's day."""

from collections.abc import Collection, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.rates.models import ExchangeRate, LoadedRate
from orders_service.rates.rules import Rate

GOOD_FOR = timedelta(days=7)
"""Banks publish none at weekends and on holidays: the last one counts on for so long."""


async def load_rates(
    session: AsyncSession, day: date, rates: Mapping[str, Decimal], now: datetime
) -> None:
    """Set the rates of a day, by currency, and note that orders may be waiting for them."""
    statement = insert(ExchangeRate).values(
        [{"day": day, "currency": currency, "rate": rate} for currency, rate in rates.items()]
    )
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "currency"], set_={"rate": statement.excluded.rate}
        )
    )
    loaded = insert(LoadedRate).values(
        [{"day": day, "currency": currency, "loaded_at": now} for currency in rates]
    )
    await session.execute(
        loaded.on_conflict_do_update(
            index_elements=["day", "currency"], set_={"loaded_at": loaded.excluded.loaded_at}
        )
    )


async def rates_for(
    session: AsyncSession, base: str, wanted: Collection[tuple[str, date]]
) -> dict[tuple[str, date], Rate]:
    """The rate for each currency and day; what has none is left out. Asks nothing for the base itself."""
    found = {
        (currency, day): Rate(base, Decimal(1)) for currency, day in wanted if currency == base
    }
    foreign = {(currency, day) for currency, day in wanted if currency != base}
    if not foreign:
        return found
    days = [day for _, day in foreign]
    rows = await session.scalars(
        select(ExchangeRate)
        .where(
            ExchangeRate.currency.in_({currency for currency, _ in foreign}),
            ExchangeRate.day.between(min(days) - GOOD_FOR, max(days)),
        )
        .order_by(ExchangeRate.day)
    )
    for row in rows:  # by day: a later one replaces an earlier one
        for currency, day in foreign:
            if row.currency == currency and row.day <= day <= row.day + GOOD_FOR:
                found[currency, day] = Rate(base, row.rate, row.day)
    return found
