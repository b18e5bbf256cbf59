"""The forecast by month, and commission by owner: sums in the base currency."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.opportunities import rules
from orders_service.rates.rules import to_base
from orders_service.rates.service import rates_for

_PIPELINE = text("""
    SELECT CASE WHEN month >= :start THEN to_char(month, 'YYYY-MM') END AS month,
           stage, currency, count(*) AS sales, sum(value) AS value
    FROM (
        SELECT CAST(date_trunc('month', CASE WHEN stage = 'won' THEN CAST(closed_at AS date)
                                             ELSE expected_on END) AS date) AS month,
               stage, currency, value
        FROM opportunities
        WHERE (closed_at IS NULL AND expected_on < :until)
           OR (stage = 'won' AND closed_at >= :start AND closed_at < :until)
    ) AS expected
    GROUP BY 1, 2, 3
""")

_COMMISSIONS = text("""
    WITH sold AS (
        SELECT quotes.owner, orders.* FROM quotes JOIN orders USING (order_id)
    ), changes (owner, orders, amount, unpriced) AS (
        SELECT owner, 1, base_total, CASE WHEN base_total IS NULL THEN 1 ELSE 0 END
        FROM sold WHERE paid_at >= :start AND paid_at < :until
        UNION ALL
        SELECT owner, 0, -base_total, 0
        FROM sold WHERE paid_at IS NOT NULL AND cancelled_at >= :start AND cancelled_at < :until
        UNION ALL
        SELECT owner, 0, -base_amount, 0
        FROM sold JOIN returns USING (order_id)
        WHERE refunded_at >= :start AND refunded_at < :until
    )
    SELECT owner, sum(orders) AS orders, coalesce(sum(amount), 0) AS net, sum(unpriced) AS unpriced
    FROM changes GROUP BY owner ORDER BY owner COLLATE "C"
""")


class Expected(NamedTuple):
    """The sales of a month. Amounts are minor units of the base currency."""

    open: int = 0
    value: int = 0
    weighted: int = 0
    won: int = 0
    unpriced: int = 0
    """Sales in a currency without a rate: counted, their money left out."""


class Earned(NamedTuple):
    """What one owner sold in a month, less what was cancelled and returned in it."""

    owner: str
    orders: int
    net: int
    commission: int
    unpriced: int


async def forecast(
    session: AsyncSession, month: str, months: int, base: str, today: date
) -> dict[str | None, Expected]:
    """What is expected in each of the months from `month` on; under None what is overdue by then.

    An open sale counts in the month in which it is expected, weighted by its stage's probability; a
    won one in the month in which it was won. Rates are today's.
    """
    start, until = rules.month_start(month), rules.month_start(month, months)
    rows = (await session.execute(_PIPELINE, {"start": start, "until": until})).all()
    rates = await rates_for(session, base, [(row.currency, today) for row in rows])
    found: dict[str | None, Expected] = {
        f"{rules.month_start(month, later):%Y-%m}": Expected() for later in range(months)
    }
    found[None] = Expected()
    for row in rows:
        value = to_base(int(row.value), row.currency, rates.get((row.currency, today)))
        found[row.month] = _sum((found[row.month], _expected(row.stage, row.sales, value)))
    return found


def _expected(stage: rules.Stage, sales: int, value: int | None) -> Expected:
    is_open = sales if stage != "won" else 0
    if value is None:
        return Expected(open=is_open, unpriced=sales)
    if stage == "won":
        return Expected(won=value)
    return Expected(open=is_open, value=value, weighted=rules.weighted(value, stage))


def _sum(parts: Iterable[Expected]) -> Expected:
    return Expected(*(sum(each) for each in zip(*parts, strict=True)))


async def commissions(session: AsyncSession, month: str, percent: Decimal) -> list[Earned]:
    """What each owner earned in a month by the orders that came of their quotes.

    An order counts when it is paid; a cancellation or a return comes off in the month of its own.
    """
    bounds: dict[str, Any] = {
        "start": rules.month_start(month),
        "until": rules.month_start(month, 1),
    }
    rows = await session.execute(_COMMISSIONS, bounds)
    return [
        Earned(
            row.owner,
            row.orders,
            int(row.net),
            rules.commission(int(row.net), percent),
            row.unpriced,
        )
        for row in rows
    ]
