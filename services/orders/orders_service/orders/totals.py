"""What all orders add up to: one query over the table, for reports and for checks by hand."""

from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.orders.models import Order
from orders_service.returns.models import Return


class ShopTotals(NamedTuple):
    """Counts, and sums in minor units of the base currency.

    `orders` and `gross` are of paid orders that were not cancelled, as in customer state. `unpriced`
    are those among them without a rate: counted, their money left out.
    """

    orders: int
    cancelled: int
    customers: int
    gross: int
    refunded: int
    net: int
    returns: int
    unpriced: int


async def shop_totals(session: AsyncSession) -> ShopTotals:
    bought = (Order.paid_at.is_not(None)) & (Order.cancelled_at.is_(None))
    row = (
        await session.execute(
            select(
                func.count().filter(bought),
                func.count().filter(Order.cancelled_at.is_not(None)),
                func.count(Order.survivor_id.distinct()),
                func.coalesce(func.sum(Order.base_total).filter(bought), 0),
                func.coalesce(func.sum(Order.base_refunded).filter(bought), 0),
                func.count().filter(bought & Order.base_total.is_(None)),
            )
        )
    ).one()
    returns = await session.scalar(
        select(func.count()).select_from(Return).where(Return.status.in_(("received", "refunded")))
    )
    orders, cancelled, customers, gross, refunded, unpriced = (int(value) for value in row)
    return ShopTotals(
        orders, cancelled, customers, gross, refunded, gross - refunded, returns or 0, unpriced
    )
