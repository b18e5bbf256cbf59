"""Every event there is, one module for each service that publishes."""

from perennial_events.catalogue.complaints import (
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
)
from perennial_events.catalogue.customers import (
    AnonymousIdAdded,
    AnonymousIdRemoved,
    ConsentChanged,
    CustomerErased,
    CustomerRegistered,
    CustomersMerged,
    CustomerUpdated,
    ErasureCompleted,
    KeyCreated,
    KeyRevoked,
    MergeUndone,
    StageChanged,
)
from perennial_events.catalogue.engagement import Clicked, VisitorIdentified
from perennial_events.catalogue.orders import (
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
    ProductChanged,
    ReturnLine,
    ReturnReceived,
    ReturnRequested,
    ShipmentDelayed,
    ShipmentScanned,
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
    "AnonymousIdAdded",
    "AnonymousIdRemoved",
    "Clicked",
    "ComplaintAnswered",
    "ComplaintEscalated",
    "ComplaintOpened",
    "ComplaintReopened",
    "ComplaintResolved",
    "ConsentChanged",
    "CustomerErased",
    "CustomerRegistered",
    "CustomerUpdated",
    "CustomersMerged",
    "ErasureCompleted",
    "KeyCreated",
    "KeyRevoked",
    "MergeUndone",
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelivered",
    "OrderLine",
    "OrderPaid",
    "OrderPlaced",
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
]
