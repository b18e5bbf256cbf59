"""The verbs of orders."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from orders_service.errors import OrderExists, UnknownOrder
from orders_service.gift_cards import service as gift_cards
from orders_service.orders.models import Order
from orders_service.products.service import Described, products_of_lines
from orders_service.rates.rules import Rate, to_base
from orders_service.rates.service import rates_for
from perennial_events import emit
from perennial_events.identities import survivor

# Put together once, and past the mapper: an order is what a shop writes most. The customer as a value, not
# as the column, which a subquery would take for that of all orders.
_INSERT = (
    insert(Order.metadata.tables[Order.__tablename__])
    .on_conflict_do_nothing()
    .returning(survivor(bindparam("ordering_customer")))
)


class Surroundings(NamedTuple):
    """What pricing an order takes besides the order: products by sku, rates by currency and day."""

    products: dict[str, Described]
    rates: dict[tuple[str, date], Rate]


async def surroundings(
    session: AsyncSession, orders: Collection[Order], base: str, now: datetime
) -> Surroundings:
    """The products and rates of these orders, each in one query."""
    skus = {line["sku"] for order in orders for line in order.lines}
    products = await products_of_lines(session, skus, now)
    currencies = {order.currency for order in orders}
    currencies |= {p.currency for p in products.values() if p.currency and p.cost is not None}
    days = {order.placed_at.date() for order in orders}
    wanted = [(currency, day) for currency in currencies for day in days]
    return Surroundings(products, await rates_for(session, base, wanted))


def complete_lines(order: Order, around: Surroundings) -> Rate | None:
    """Fill in each line's category and cost from its product; return the rate of the order's day."""
    day = order.placed_at.date()
    for line in order.lines:
        product = around.products.get(line["sku"])
        if product is None:
            continue
        line["category"] = line.get("category") or product.category
        if product.cost is not None and product.currency is not None:
            rate = around.rates.get((product.currency, day))
            line["base_unit_cost"] = to_base(product.cost, product.currency, rate)
    return around.rates.get((order.currency, day))


async def place_order(
    session: AsyncSession,
    order: Order,
    base: str,
    now: datetime,
    uses: Sequence[gift_cards.Use] = (),
) -> None:
    """Place a new order, and take its part from gift cards. Raises `OrderExists`."""
    around = await surroundings(session, [order], base, now)
    rate = complete_lines(order, around)
    placed = order.place(rate)
    await _insert_order(session, order)
    emit(session, *placed, at=order.placed_at)
    await gift_cards.redeem(session, uses)


async def _insert_order(session: AsyncSession, order: Order) -> None:
    """Store a new order and learn who answers to its customer, in one round trip: the session does not
    follow this one any further. Raises `OrderExists`."""
    order.version = 1
    row = {column.key: getattr(order, column.key) for column in Order.__table__.columns}
    survivor_id = await session.scalar(_INSERT, {**row, "ordering_customer": order.customer_id})
    if survivor_id is None:
        raise OrderExists(order.order_id)
    set_committed_value(order, "survivor_id", survivor_id)


async def get_order(session: AsyncSession, order_id: str) -> Order:
    order = await session.get(Order, order_id)
    if order is None:
        raise UnknownOrder(order_id)
    return order


async def lock_order(session: AsyncSession, order_id: str) -> Order:
    """The order, locked until the transaction ends: whatever changes it waits its turn."""
    order = await session.get(Order, order_id, with_for_update=True)
    if order is None:
        raise UnknownOrder(order_id)
    return order


async def pay_order(session: AsyncSession, order_id: str, now: datetime) -> Order:
    order = await lock_order(session, order_id)
    emit(session, *order.pay(now), at=now)
    return order


async def cancel_order(session: AsyncSession, order_id: str, now: datetime) -> Order:
    """Call an order off. Money goes back the way it came, gift cards get back what was theirs."""
    order = await lock_order(session, order_id)
    emit(session, *order.cancel(now), at=now)
    back = gift_cards.Refund(order_id, order.customer_id, order.gift_cards_refunded, now)
    await gift_cards.refund(session, [back])
    return order


async def complete_order(session: AsyncSession, order_id: str, now: datetime) -> Order:
    order = await lock_order(session, order_id)
    emit(session, *order.complete(now), at=now)
    return order


async def known_orders(session: AsyncSession, order_ids: Sequence[str]) -> set[str]:
    """Those of the ids that an order has."""
    rows = await session.scalars(select(Order.order_id).where(Order.order_id.in_(order_ids)))
    return set(rows)
