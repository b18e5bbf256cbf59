"""Every table of states in this service. `perennial docs` draws them."""

from orders_service.opportunities import rules as opportunities
from orders_service.orders import rules as orders
from orders_service.quotes import rules as quotes
from orders_service.returns import rules as returns
from orders_service.shipments import rules as shipments

STATE_MACHINES = {
    "order": orders.TRANSITIONS,
    "shipment": shipments.TRANSITIONS,
    "return": returns.TRANSITIONS,
    "quote": quotes.TRANSITIONS,
    "opportunity": opportunities.TRANSITIONS,
}
