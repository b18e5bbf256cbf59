"""What partners may tell `orders`: orders, payments, cancellations, parcels and where they are, returns.

Each command does nothing where its fact is known already: partners tell the same thing more than once.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import UnknownTracking
from orders_service.orders import service as orders
from orders_service.orders.api import OrderBody
from orders_service.orders.models import Order
from orders_service.returns import service as returns
from orders_service.returns.api import ReturnLineBody
from orders_service.returns.models import Return
from orders_service.shipments import service as shipments
from orders_service.shipments.api import QuantityBody, ScanBody, TrackingNumber
from orders_service.shipments.models import Shipment
from perennial_events import emit
from perennial_events.values import Code
from perennial_http import Body, Id, Time
from perennial_webhooks import Commands, Delivery, PartnerCommand

PROMISED_WITHIN = timedelta(days=7)
"""What a parcel is promised for where the partner promises nothing."""


class MarketplaceOrder(OrderBody):
    order_id: Id


class NamedOrder(Body):
    order_id: Id


class MarketplaceShipment(Body):
    shipment_id: Id
    order_id: Id
    carrier: Code
    tracking_number: TrackingNumber
    shipped_at: Time
    promised_at: Time | None = None
    lines: Annotated[list[QuantityBody] | None, Field(min_length=1, max_length=500)] = None


class CarrierScan(ScanBody):
    """By our shipment's id, or by the carrier's own number."""

    shipment_id: Id | None = None
    tracking_number: TrackingNumber | None = None
    carrier: Code | None = None

    @model_validator(mode="after")
    def _names_a_parcel(self) -> Self:
        if self.shipment_id is None and self.tracking_number is None:
            raise ValueError("takes a shipment_id or a tracking_number")
        return self


class MarketplaceReturn(Body):
    return_id: Id
    order_id: Id
    reason: Annotated[str, Field(min_length=1, max_length=2000)]
    lines: Annotated[list[ReturnLineBody], Field(min_length=1, max_length=500)]
    at: Time


def commands(currency: str, return_window_days: int) -> Commands:
    """The table of what partners may ask for. `currency` is the shop's base currency."""

    async def place_order(
        session: AsyncSession, body: MarketplaceOrder, delivery: Delivery
    ) -> None:
        # A marketplace tells of one order on several ways at once: the first makes it.
        await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(body.order_id))))
        if not await orders.known_orders(session, [body.order_id]):
            await orders.place_order(session, body.order(delivery.now), currency, delivery.now)

    async def return_goods(
        session: AsyncSession, body: MarketplaceReturn, _delivery: Delivery
    ) -> None:
        await take_back(session, body, return_window_days)

    return {
        "place_order": PartnerCommand(MarketplaceOrder, place_order),
        "pay_order": PartnerCommand(NamedOrder, pay_order),
        "cancel_order": PartnerCommand(NamedOrder, cancel_order),
        "ship_order": PartnerCommand(MarketplaceShipment, ship_order),
        "scan_shipment": PartnerCommand(CarrierScan, scan_shipment),
        "return_goods": PartnerCommand(MarketplaceReturn, return_goods),
    }


async def pay_order(session: AsyncSession, body: NamedOrder, delivery: Delivery) -> None:
    """All that is due is paid."""
    order = await orders.lock_order(session, body.order_id)
    if order.paid_at is None:
        await orders.pay_order(session, body.order_id, delivery.now)


async def cancel_order(session: AsyncSession, body: NamedOrder, delivery: Delivery) -> None:
    """The order was called off."""
    order = await orders.lock_order(session, body.order_id)
    if order.cancelled_at is None:
        await orders.cancel_order(session, body.order_id, delivery.now)


async def ship_order(session: AsyncSession, body: MarketplaceShipment, _delivery: Delivery) -> None:
    """Goods of a paid order are on their way."""
    if await session.get(Shipment, body.shipment_id) is not None:
        return
    shipment = Shipment(
        **body.model_dump(exclude={"lines", "promised_at"}),
        lines=[line.model_dump() for line in body.lines or ()],
        promised_at=body.promised_at or body.shipped_at + PROMISED_WITHIN,
    )
    await shipments.ship(session, shipment)


async def scan_shipment(session: AsyncSession, body: CarrierScan, _delivery: Delivery) -> None:
    """The carrier saw a parcel."""
    shipment_id = body.shipment_id or await _by_tracking(session, body)
    await shipments.scan(session, body.scan(shipment_id))


async def _by_tracking(session: AsyncSession, body: CarrierScan) -> str:
    """The latest parcel with this number: carriers use theirs again after some years."""
    named = select(Shipment.shipment_id).where(Shipment.tracking_number == body.tracking_number)
    if body.carrier is not None:
        named = named.where(func.lower(Shipment.carrier) == body.carrier.lower())
    found = await session.scalar(named.order_by(Shipment.shipped_at.desc()).limit(1))
    if found is None:
        raise UnknownTracking(body.tracking_number or "")
    return found


async def take_back(session: AsyncSession, body: MarketplaceReturn, window_days: int) -> None:
    """Goods came back and their money went: the partner has decided it, so nobody here needs to."""
    if await session.get(Return, body.return_id) is not None:
        return
    order = await orders.lock_order(session, body.order_id)
    await _arrive(session, order, body.at)
    wanted = Return(
        return_id=body.return_id,
        order_id=body.order_id,
        kind="refund",
        reason=body.reason,
        lines=[line.model_dump() for line in body.lines],
        status="requested",
        amount=0,
        requested_at=body.at,
    )
    await returns.request_return(session, wanted, window_days)
    if wanted.status == "requested":
        wanted.approve(body.at)
    await session.flush()
    await returns.receive(session, body.return_id, body.at)
    await session.flush()
    await returns.refund(session, body.return_id, body.at)


async def _arrive(session: AsyncSession, order: Order, at: datetime) -> None:
    """Goods that come back had arrived, also where no carrier said so."""
    if order.status == "paid":
        emit(session, *order.complete(at), at=at)
    if order.status != "shipped":
        return
    under_way: Sequence[Shipment] = await shipments.shipments_of(session, order.order_id)
    for shipment in under_way:
        if shipment.delivered_at is None:
            # When is not known: it must not count as late.
            shipment.delivered_at = min(at, shipment.promised_at)
    emit(session, *order.deliver(at, None, None, late=False), at=at)
