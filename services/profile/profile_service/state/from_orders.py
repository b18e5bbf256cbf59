"""What events of `orders` say of a customer."""

from collections.abc import Mapping
from typing import Any

from perennial_events import Envelope, Event
from perennial_events.catalogue import (
    GiftCardIssued,
    GiftCardRedeemed,
    GiftCardRefunded,
    OpportunityMoved,
    OpportunityOpened,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderPaid,
    OrderPlaced,
    OrderPriced,
    OrderRefunded,
    OrderShipped,
    ProductChanged,
    QuoteAccepted,
    QuoteCreated,
    QuoteDeclined,
    QuoteExpired,
    QuoteSent,
    ReturnReceived,
    ReturnRequested,
    ShipmentDelayed,
    ShipmentScanned,
    WishListChanged,
)
from profile_service.state.changes import Facts, Gatherer, of_customer


def _placed(facts: Facts, event: OrderPlaced, envelope: Envelope) -> str:
    change = facts.order(event)
    change.placed_at, change.total, change.cost = envelope.time, event.base_total, event.base_cost
    change.prices = _prices(event)
    return event.customer_id


def _priced(facts: Facts, event: OrderPriced, _envelope: Envelope) -> str:
    change = facts.order(event)
    change.total, change.cost = event.base_total, event.base_cost
    change.refunded += event.refunded_more
    change.refunded_cost += event.refunded_cost_more
    change.prices = _prices(event)
    return event.customer_id


def _prices(event: OrderPlaced | OrderPriced) -> list[list[Any]] | None:
    if event.base_total is None or not event.total:
        return None
    through: dict[str, int] = {}
    prices = []
    for line in event.lines:
        through[line.sku] = through.get(line.sku, 0) + line.quantity
        if line.category is not None:
            price = line.unit_price * event.base_total // event.total
            prices.append([line.category, price, line.sku, through[line.sku]])
    return prices


def _paid(facts: Facts, event: OrderPaid, envelope: Envelope) -> str:
    facts.order(event).paid_at = envelope.time
    return event.customer_id


def _cancelled(facts: Facts, event: OrderCancelled, envelope: Envelope) -> str:
    facts.order(event).cancelled_at = envelope.time
    return event.customer_id


def _delayed(facts: Facts, event: ShipmentDelayed, _envelope: Envelope) -> str:
    facts.order(event).overdue_since = event.promised_at
    return event.customer_id


def _delivered(facts: Facts, event: OrderDelivered, envelope: Envelope) -> str:
    change = facts.order(event)
    change.delivered_at, change.late = envelope.time, event.late
    return event.customer_id


def _returned(facts: Facts, event: ReturnReceived, envelope: Envelope) -> str:
    facts.order(event).returns += 1
    facts.returned(event).received_at = envelope.time
    return event.customer_id


def _refunded(facts: Facts, event: OrderRefunded, _envelope: Envelope) -> str:
    change = facts.order(event)
    change.refunded += event.base_amount or 0
    change.refunded_cost += event.base_cost or 0
    facts.returned(event).lines = [[line.sku, line.quantity] for line in event.lines]
    return event.customer_id


def _product(facts: Facts, event: ProductChanged, _envelope: Envelope) -> None:
    facts.products[event.sku] = event.category


ORDERS: Mapping[type[Event], Gatherer] = {
    GiftCardIssued: of_customer,
    GiftCardRedeemed: of_customer,
    GiftCardRefunded: of_customer,
    OpportunityMoved: of_customer,
    OpportunityOpened: of_customer,
    OrderCancelled: _cancelled,
    OrderCompleted: of_customer,
    OrderDelivered: _delivered,
    OrderPaid: _paid,
    OrderPlaced: _placed,
    OrderPriced: _priced,
    OrderRefunded: _refunded,
    OrderShipped: of_customer,
    ProductChanged: _product,
    QuoteAccepted: of_customer,
    QuoteCreated: of_customer,
    QuoteDeclined: of_customer,
    QuoteExpired: of_customer,
    QuoteSent: of_customer,
    ReturnReceived: _returned,
    ReturnRequested: of_customer,
    ShipmentDelayed: _delayed,
    ShipmentScanned: of_customer,
    WishListChanged: of_customer,
}
