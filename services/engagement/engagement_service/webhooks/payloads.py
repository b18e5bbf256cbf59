"""What partners are sent: thin by default, with a link to the resource; never 20 kB or more."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic_core import from_json, to_json

from perennial_events import Event
from perennial_events.catalogue.engagement import CLICKS
from perennial_events.schemas import catalogue_types

Payload = Literal["thin", "full"]

MOST_BYTES = 20_000
TEST_TYPE = "perennial.webhooks.test.v1"

# Clicks come by the thousand and belong to the log; keys and endpoints are the operator's own affair.
PARTNER_TYPES: dict[str, type[Event]] = {
    each.type: each
    for each in catalogue_types()
    if each.topic not in (CLICKS, "perennial.keys") and not each.fact.startswith("webhook_")
}
"""The events that partners may ask for, by type name."""

RESOURCES = (
    ("return_id", "orders", "/v1/returns/{}"),
    ("order_id", "orders", "/v1/orders/{}"),
    ("complaint_id", "support", "/v1/complaints/{}"),
    ("case_id", "support", "/v1/cases/{}"),
    ("sku", "orders", "/v1/products/{}"),
    ("customer_id", "profile", "/v1/customers/{}"),
)
"""The field that names a resource, the service that has it, its path; the first that an event has."""

Addresses = Mapping[str, str | None]
"""Where the services are, by name."""


def body(type_: str, at: datetime, data_json: str, payload: Payload, addresses: Addresses) -> bytes:
    """The message as it is signed and sent: `{type, timestamp, data}` as Standard Webhooks has it."""
    data: dict[str, Any] = from_json(data_json)
    link = _link(data, addresses)
    thin = {name: value for name, value in data.items() if _is_id(name)} | link
    message = {"type": type_, "timestamp": at, "data": data | link if payload == "full" else thin}
    written = to_json(message)
    # An order of hundreds of lines: whoever wants them follows the link.
    return written if len(written) < MOST_BYTES else to_json(message | {"data": thin})


def _is_id(name: str) -> bool:
    return name.endswith("_id") or name == "sku"


def _link(data: Mapping[str, Any], addresses: Addresses) -> dict[str, str]:
    for field, service, path in RESOURCES:
        if isinstance(data.get(field), str):
            return {"link": (addresses.get(service) or "").rstrip("/") + path.format(data[field])}
    return {}
