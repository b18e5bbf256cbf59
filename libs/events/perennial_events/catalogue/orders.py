"""What `orders` publishes: `perennial.orders` and `perennial.catalogue`.

Amounts are minor units of `currency`. `base_*` amounts are in the shop's base currency at the rate of
the order's day, and are absent where no rate was known: such an order is counted, its money left out.
"""

from typing import Literal

from perennial_events.envelope import Event
from perennial_events.values import (
    Amount,
    CatalogueText,
    Code,
    Currency,
    Id,
    Quantity,
    Time,
    Value,
)

ORDERS = "perennial.orders"
CATALOGUE = "perennial.catalogue"


class ProductChanged(Event, topic=CATALOGUE, fact="product_changed", subject="sku", key="sku"):
    """A product as it is from now on."""

    sku: Id
    name: CatalogueText | None = None
    category: CatalogueText | None = None
    price: Amount | None = None
    cost: Amount | None = None
    currency: Currency | None = None
    available: bool = True
    replenish_after_days: int | None = None


class OrderLine(Value):
    sku: Id
    quantity: Quantity
    unit_price: Amount
    category: CatalogueText | None = None


class ReturnLine(Value):
    sku: Id
    quantity: Quantity


class OrderPlaced(Event, topic=ORDERS, fact="order_placed", subject="order_id"):
    """A customer ordered. `total` is what they owe: items less discount plus shipping."""

    order_id: Id
    customer_id: Id
    store: Code | None = None
    channel: Code | None = None
    currency: Currency
    lines: list[OrderLine]
    items: Amount
    discount: Amount
    shipping: Amount
    total: Amount
    base_total: Amount | None = None
    base_cost: Amount | None = None
    """What the goods cost the shop, where every line's cost is known."""


class OrderPaid(Event, topic=ORDERS, fact="order_paid", subject="order_id"):
    order_id: Id
    customer_id: Id
    currency: Currency
    amount: Amount
    base_amount: Amount | None = None


class OrderCancelled(Event, topic=ORDERS, fact="order_cancelled", subject="order_id"):
    """The order will not be fulfilled; what was paid for it (`refunded`) goes back."""

    order_id: Id
    customer_id: Id
    currency: Currency
    refunded: Amount


class OrderCompleted(Event, topic=ORDERS, fact="order_completed", subject="order_id"):
    order_id: Id
    customer_id: Id


class OrderShipped(Event, topic=ORDERS, fact="order_shipped", subject="order_id"):
    order_id: Id
    customer_id: Id
    shipment_id: Id
    carrier: Code | None = None
    promised_at: Time


class ShipmentScanned(Event, topic=ORDERS, fact="shipment_scanned", subject="shipment_id"):
    shipment_id: Id
    order_id: Id
    customer_id: Id
    status: Literal["picked_up", "in_transit", "out_for_delivery", "delivered", "failed", "lost"]


class ShipmentDelayed(Event, topic=ORDERS, fact="shipment_delayed", subject="shipment_id"):
    """The promise has passed and the shipment is not delivered. Told once a shipment."""

    shipment_id: Id
    order_id: Id
    customer_id: Id
    promised_at: Time


class OrderDelivered(Event, topic=ORDERS, fact="order_delivered", subject="order_id"):
    """The last shipment of the order has arrived. `late`: one of them after its promise."""

    order_id: Id
    customer_id: Id
    shipment_id: Id | None = None
    promised_at: Time | None = None
    late: bool


class ReturnRequested(Event, topic=ORDERS, fact="return_requested", subject="return_id"):
    return_id: Id
    order_id: Id
    customer_id: Id
    kind: Literal["refund", "exchange", "repair"]
    lines: list[ReturnLine]


class ReturnReceived(Event, topic=ORDERS, fact="return_received", subject="return_id"):
    """The goods are back."""

    return_id: Id
    order_id: Id
    customer_id: Id
    kind: Literal["refund", "exchange", "repair"]
    lines: list[ReturnLine]


class OrderRefunded(Event, topic=ORDERS, fact="order_refunded", subject="return_id"):
    """Money went back for returned goods."""

    return_id: Id
    order_id: Id
    customer_id: Id
    currency: Currency
    amount: Amount
    base_amount: Amount | None = None
    base_cost: Amount | None = None
    """What the returned goods had cost the shop, where known."""
    lines: list[ReturnLine]
