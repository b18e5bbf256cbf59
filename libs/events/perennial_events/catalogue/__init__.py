"""Every event there is, one module for each service that publishes."""

from perennial_events.catalogue.complaints import (
    ComplaintAnswered,
    ComplaintEscalated,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    RecoveryGranted,
    ReviewSubmitted,
    SurveyAnswered,
)
from perennial_events.catalogue.customers import (
    CustomerRegistered,
    CustomerUpdated,
    KeyCreated,
    KeyRevoked,
    StageChanged,
    ValueChanged,
)
from perennial_events.catalogue.engagement import (
    Clicked,
    MessageClicked,
    MessageOpened,
    MessageSent,
    VisitorIdentified,
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
    "KeyCreated",
    "KeyRevoked",
    "MessageClicked",
    "MessageOpened",
    "MessageSent",
    "OrderCancelled",
    "OrderCompleted",
    "OrderDelivered",
    "OrderLine",
    "OrderPaid",
    "OrderPlaced",
    "OrderRefunded",
    "OrderShipped",
    "ProductChanged",
    "RecoveryGranted",
    "ReturnLine",
    "ReturnReceived",
    "ReturnRequested",
    "ReviewSubmitted",
    "ShipmentDelayed",
    "ShipmentScanned",
    "StageChanged",
    "SurveyAnswered",
    "ValueChanged",
    "VisitorIdentified",
]
