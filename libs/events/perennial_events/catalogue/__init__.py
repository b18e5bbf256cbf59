"""Every event there is, one module for each service that publishes."""

from perennial_events.catalogue.complaints import (
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
)
from perennial_events.catalogue.customers import (
    CustomerRegistered,
    CustomerUpdated,
    KeyCreated,
    KeyRevoked,
    StageChanged,
)
from perennial_events.catalogue.engagement import Clicked, VisitorIdentified
from perennial_events.catalogue.orders import (
    GiftCardIssued,
    GiftCardRedeemed,
    GiftCardRefunded,
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderPriced,
    OrderRefunded,
    OrderShipped,
    ProductChanged,
    ReturnLine,
    ReturnReceived,
    ReturnRequested,
    ShipmentDelayed,
    ShipmentScanned,
    WishListChanged,
)

TOPICS = (
    "perennial.catalogue",
    "perennial.clicks",
    "perennial.complaints",
    "perennial.customers",
    "perennial.engagement",
    "perennial.keys",
    "perennial.orders",
)

PARTITIONS = 4
"""How many partitions a topic is made with. Keeps a customer's order; bounds a group's members."""

__all__ = [
    "PARTITIONS",
    "TOPICS",
    "Clicked",
    "ComplaintAnswered",
    "ComplaintEscalated",
    "ComplaintOpened",
    "ComplaintReopened",
    "ComplaintResolved",
    "CustomerRegistered",
    "CustomerUpdated",
    "GiftCardIssued",
    "GiftCardRedeemed",
    "GiftCardRefunded",
    "KeyCreated",
    "KeyRevoked",
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelivered",
    "OrderLine",
    "OrderPaid",
    "OrderPlaced",
    "OrderPriced",
    "OrderRefunded",
    "OrderShipped",
    "ProductChanged",
    "ReturnLine",
    "ReturnReceived",
    "ReturnRequested",
    "ShipmentDelayed",
    "ShipmentScanned",
    "StageChanged",
    "VisitorIdentified",
    "WishListChanged",
]
