"""Orders that came before the rate of their day: they are priced when it is loaded."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.orders.models import Order
from orders_service.orders.service import complete_lines, surroundings
from orders_service.quantities import quantities_of
from orders_service.rates.models import LoadedRate
from orders_service.rates.rules import Rate, to_base
from orders_service.rates.service import GOOD_FOR
from orders_service.returns.models import Return
from orders_service.returns.rules import share
from perennial_events import Event, emit
from perennial_events.catalogue import OrderLine, OrderPriced

AT_ONCE = 500

LOOKED_AFTER = timedelta(minutes=1)
"""An order that was being placed while its rate was loaded is found for so long."""


async def price_late_orders(session: AsyncSession, base: str, now: datetime) -> int:
    """Price orders that a rate loaded of late is for; return how many there were.

    Those are the ones without any, and the ones that were priced late by an earlier day's: so it does
    not matter in which order the rates of a past period are loaded.
    """
    orders = await _late_orders(session)
    if not orders:
        await session.execute(delete(LoadedRate).where(LoadedRate.loaded_at < now - LOOKED_AFTER))
        return 0
    around = await surroundings(session, orders, base, now)
    refunded = await _refunded_returns(session, orders)
    for order in orders:
        returns = refunded.get(order.order_id, ())
        told = _cost(order, returns)
        order.lines = [dict(line) for line in order.lines]
        rate = complete_lines(order, around)
        if rate is not None:
            events = _price(order, returns, rate, told)
            # A correction of the past: it changes state, and triggers nothing.
            emit(session, *events, at=now, imported=True)
    return len(orders)


async def _late_orders(session: AsyncSession) -> Sequence[Order]:
    late = (
        select(Order.order_id)
        .join(
            LoadedRate,
            (LoadedRate.currency == Order.currency)
            & (Order.placed_at >= LoadedRate.day)
            & (Order.placed_at < LoadedRate.day + GOOD_FOR + timedelta(days=1)),
        )
        .where(
            or_(
                and_(Order.base_total.is_(None), Order.rate_day.is_(None)),
                Order.rate_day < LoadedRate.day,
            )
        )
        .limit(AT_ONCE)
    )
    rows = await session.scalars(
        select(Order)
        .where(Order.order_id.in_(late))
        .order_by(Order.order_id)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return rows.all()


async def _refunded_returns(
    session: AsyncSession, orders: Sequence[Order]
) -> dict[str, list[Return]]:
    found: dict[str, list[Return]] = {}
    rows = await session.scalars(
        select(Return)
        .where(
            Return.order_id.in_([order.order_id for order in orders]), Return.status == "refunded"
        )
        .order_by(Return.refunded_at, Return.return_id)
    )
    for each in rows:
        found.setdefault(each.order_id, []).append(each)
    return found


def _cost(order: Order, returns: Sequence[Return]) -> int:
    """What is known of the cost of goods that came back."""
    return sum(order.cost_of(quantities_of(each.lines)) or 0 for each in returns)


def _price(order: Order, returns: Sequence[Return], rate: Rate, cost_told: int) -> list[Event]:
    order.rate_day = rate.day
    base_total = to_base(order.total, order.currency, rate)
    if base_total is None:
        return []
    order.base_total, order.base_cost = base_total, order.cost_of(order.quantities())
    before, back, given = order.base_refunded, 0, 0
    for each in returns:
        given += each.amount + each.to_gift_cards
        each.base_amount = share(base_total, given, order.total) - back
        back += each.base_amount
    order.base_refunded = back
    return [
        OrderPriced(
            order_id=order.order_id,
            customer_id=order.customer_id,
            currency=order.currency,
            lines=[OrderLine.model_validate(line) for line in order.lines],
            total=order.total,
            base_total=base_total,
            base_cost=order.base_cost,
            refunded_more=back - before,
            refunded_cost_more=_cost(order, returns) - cost_told,
        )
    ]
