"""The verbs of returns."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import IllegalTransition, NothingLeft, UnknownReturn
from orders_service.gift_cards import service as gift_cards
from orders_service.orders.models import Order
from orders_service.orders.rules import RETURNABLE, TRANSITIONS
from orders_service.orders.service import lock_order
from orders_service.quantities import Quantities, less, positive, quantities_of
from orders_service.returns import rules
from orders_service.returns.models import Return
from perennial_events import emit


async def get_return(session: AsyncSession, return_id: str) -> Return:
    found = await session.get(Return, return_id)
    if found is None:
        raise UnknownReturn(return_id)
    return found


async def returns_of(session: AsyncSession, order_id: str) -> Sequence[Return]:
    rows = await session.scalars(
        select(Return).where(Return.order_id == order_id).order_by(Return.requested_at)
    )
    return rows.all()


async def request_return(session: AsyncSession, wanted: Return, window_days: int) -> Return:
    """Announce goods to come back. Within the no-reason window it is approved by itself."""
    order = await lock_order(session, wanted.order_id)
    check_returnable(order, wanted, await returns_of(session, order.order_id))
    wanted.customer_id = order.customer_id
    session.add(wanted)
    emit(session, *wanted.request(), at=wanted.requested_at)
    since = order.delivered_at or order.completed_at
    if rules.needs_no_approval(since, wanted.requested_at, window_days):
        wanted.approve(wanted.requested_at)
    return wanted


def check_returnable(order: Order, wanted: Return, earlier: Sequence[Return]) -> None:
    """Raise `IllegalTransition` or `NothingLeft` unless these goods can still come back."""
    if order.status not in RETURNABLE:
        raise IllegalTransition(
            f"Order {order.order_id}", "return", order.status, TRANSITIONS[order.status]
        )
    left = order.quantities()
    for each in earlier:
        if rules.goods_are_out(each.kind, each.status):
            left = less(left, quantities_of(each.lines))
    too_many = positive(less(quantities_of(wanted.lines), left))
    if too_many:
        raise NothingLeft(
            f"Of {', '.join(too_many)} less is left to return than that.", left=positive(left)
        )


def refunded_goods(returns: Sequence[Return]) -> Quantities:
    """How many of each sku were refunded so far."""
    return quantities_of(
        line for each in returns if each.status == "refunded" for line in each.lines
    )


async def approve(session: AsyncSession, return_id: str, now: datetime) -> Return:
    found, _ = await _lock(session, return_id)
    found.approve(now)
    return found


async def reject(session: AsyncSession, return_id: str, now: datetime) -> Return:
    found, _ = await _lock(session, return_id)
    found.reject(now)
    return found


async def receive(session: AsyncSession, return_id: str, now: datetime) -> Return:
    """The goods are back."""
    found, _ = await _lock(session, return_id)
    emit(session, *found.receive(now), at=now)
    return found


async def refund(session: AsyncSession, return_id: str, now: datetime) -> Return:
    """Pay back what the returned goods had cost the customer, as money and to gift cards."""
    found, order = await _lock(session, return_id)
    before = refunded_goods(await returns_of(session, order.order_id))
    emit(session, *found.refund(order, before, now), at=now)
    back = gift_cards.Refund(order.order_id, order.customer_id, found.to_gift_cards, now, return_id)
    await gift_cards.refund(session, [back])
    return found


async def _lock(session: AsyncSession, return_id: str) -> tuple[Return, Order]:
    """The return and its order, locked by the order's row."""
    found = await get_return(session, return_id)
    order = await lock_order(session, found.order_id)
    await session.refresh(found)
    return found, order
