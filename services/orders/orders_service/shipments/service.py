"""The verbs of shipments."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import NothingLeft, UnknownShipment
from orders_service.orders.models import Order
from orders_service.orders.service import get_order, lock_order
from orders_service.quantities import less, positive, quantities_of
from orders_service.shipments.models import Scan, Shipment
from perennial_events import emit

DELAYS_AT_ONCE = 200


async def shipments_of(session: AsyncSession, order_id: str) -> Sequence[Shipment]:
    rows = await session.scalars(
        select(Shipment).where(Shipment.order_id == order_id).order_by(Shipment.shipped_at)
    )
    return rows.all()


async def get_shipment(session: AsyncSession, shipment_id: str) -> Shipment:
    found = await session.get(Shipment, shipment_id)
    if found is None:
        raise UnknownShipment(shipment_id)
    return found


async def ship(session: AsyncSession, shipment: Shipment) -> Shipment:
    """Send goods of a paid order on their way; all that is left, where no lines are named."""
    order = await lock_order(session, shipment.order_id)
    order.ship()
    left = _not_shipped(order, await shipments_of(session, order.order_id))
    wanted = quantities_of(shipment.lines) or positive(left)
    too_many = positive(less(wanted, left))
    if too_many or not wanted:
        raise NothingLeft(
            f"Of {', '.join(too_many) or 'this order'} less is left to ship than that.",
            left=positive(left),
        )
    shipment.customer_id = order.customer_id
    shipment.lines = [{"sku": sku, "quantity": quantity} for sku, quantity in wanted.items()]
    session.add(shipment)
    emit(session, *shipment.ship(), at=shipment.shipped_at)
    return shipment


async def scan(session: AsyncSession, scan: Scan) -> Shipment:
    """Take a carrier's scan. The same scan again changes nothing.

    The last delivery makes the order delivered; the loss of all that was on its way puts it back.
    """
    shipment = await get_shipment(session, scan.shipment_id)
    order = await lock_order(session, shipment.order_id)
    # Locked itself, too: the timer that tells delays takes no lock on the order.
    await session.refresh(shipment, with_for_update=True)
    if await session.get(Scan, (scan.shipment_id, scan.at, scan.status)) is not None:
        return shipment
    session.add(scan)
    was_delivered = shipment.delivered_at is not None
    emit(session, *shipment.scan(scan.status, scan.at), at=scan.at)
    if shipment.delivered_at is not None and not was_delivered:
        await _deliver_if_complete(session, order, shipment)
    elif shipment.status == "lost" and order.status == "shipped":
        parcels = await shipments_of(session, order.order_id)
        if all(parcel.status == "lost" for parcel in parcels):
            order.lose()
    return shipment


async def _deliver_if_complete(session: AsyncSession, order: Order, last: Shipment) -> None:
    shipments = await shipments_of(session, order.order_id)
    arrived_or_lost = all(each.delivered_at or each.status == "lost" for each in shipments)
    if arrived_or_lost and not positive(_not_shipped(order, shipments)):
        if order.status == "paid":
            order.ship()  # it was lost, and is found
        if order.status != "shipped":
            return  # it was called off after the loss, or had come by another parcel
        late = any(each.late for each in shipments)
        arrived = max(each.delivered_at for each in shipments if each.delivered_at is not None)
        emit(
            session,
            *order.deliver(arrived, last.shipment_id, last.promised_at, late=late),
            at=arrived,
        )


def _not_shipped(order: Order, shipments: Sequence[Shipment]) -> dict[str, int]:
    left = order.quantities()
    for shipment in shipments:
        if shipment.status != "lost":
            left = less(left, quantities_of(shipment.lines))
    return left


async def tell_delays(session: AsyncSession, now: datetime) -> int:
    """Publish `shipment_delayed` for shipments past their promise; return how many there were.

    Nobody waits for a parcel any more that was lost and whose order was called off.
    """
    rows = await session.scalars(
        select(Shipment)
        .join(Order, Order.order_id == Shipment.order_id)
        .where(
            Order.status != "cancelled",
            Shipment.promised_at < now,
            Shipment.delivered_at.is_(None),
            Shipment.delay_told_at.is_(None),
        )
        .order_by(Shipment.promised_at)
        .limit(DELAYS_AT_ONCE)
        .with_for_update(of=Shipment, skip_locked=True)
    )
    shipments = rows.all()
    for shipment in shipments:
        emit(session, *shipment.delay(now), at=now)
    return len(shipments)


async def trajectory(session: AsyncSession, order_id: str) -> Sequence[Scan]:
    """The scans of all shipments of an order, oldest first."""
    await get_order(session, order_id)
    rows = await session.scalars(
        select(Scan)
        .join(Shipment, Shipment.shipment_id == Scan.shipment_id)
        .where(Shipment.order_id == order_id)
        .order_by(Scan.shipment_id, Scan.at)
    )
    return rows.all()
