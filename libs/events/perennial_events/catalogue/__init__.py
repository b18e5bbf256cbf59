"""Every event there is, one module for each service that publishes."""

from perennial_events.catalogue.complaints import (
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    ReviewReported,
)
from perennial_events.catalogue.customers import (
    CustomerRegistered,
    CustomerUpdated,
    KeyCreated,
    KeyRevoked,
    StageChanged,
)
from perennial_events.catalogue.engagement import (
    Clicked,
    DeliveryReported,
    VisitorIdentified,
    WebhookEndpointCreated,
    WebhookEndpointDisabled,
)
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
    "Clicked",
    "ComplaintAnswered",
    "ComplaintEscalated",
    "ComplaintOpened",
    "ComplaintReopened",
    "ComplaintResolved",
    "CustomerRegistered",
    "CustomerUpdated",
    "DeliveryReported",
    "KeyCreated",
    "KeyRevoked",
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
    "ReviewReported",
    "ShipmentDelayed",
    "ShipmentScanned",
    "StageChanged",
    "VisitorIdentified",
    "WebhookEndpointCreated",
    "WebhookEndpointDisabled",
]
