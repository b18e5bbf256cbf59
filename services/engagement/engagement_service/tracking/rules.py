"""What a call means: its name among our clicks, its time, its id. Pure functions."""

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from uuid import NAMESPACE_URL, UUID

import uuid_utils.compat as uuids

from engagement_service.errors import Refused
from engagement_service.tracking.scrub import is_phone_like

COMMERCE_NAMES = {
    "products_searched": "searched",
    # Segment's first commerce vocabulary, which older shops still send.
    "searched_products": "searched",
    "viewed_product": "product_viewed",
    "added_product": "product_added",
    "removed_product": "product_removed",
    "started_checkout": "checkout_started",
    "completed_order": "order_completed",
    "viewed_cart": "cart_viewed",
}
"""Where our name is not simply theirs in snake_case, as `Product Viewed` → `product_viewed` is.

`order_completed` is a click like the others: orders are told of by `orders`.
"""

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD_AT_MOST = timedelta(days=1)

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_GAPS = re.compile(r"[^a-z0-9]+")
_CLICK_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,63}")


@lru_cache(4096)
def click_name(event: str) -> str | None:
    """Our name for Segment's `event`, or None where it has none: no letters of ours, or a person's data."""
    if "@" in event or is_phone_like(event):
        return None
    plain = unicodedata.normalize("NFKD", event)
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    if not plain.isascii():
        return None
    name = _GAPS.sub("_", _CAMEL.sub("_", plain).lower()).strip("_")
    name = COMMERCE_NAMES.get(name, name)
    return name if _CLICK_NAME.fullmatch(name) else None


def occurred_at(
    timestamp: datetime | None, sent_at: datetime | None, received_at: datetime
) -> datetime:
    """When it happened by our clock: `receivedAt - (sentAt - timestamp)`, as Segment has it.

    The client's clock may be wrong, but it is wrong by as much at both of its times. Raises `Refused`
    for a time before 1970 or more than a day ahead, which no clock that works would give.
    """
    if timestamp is None:
        return received_at
    try:
        at = timestamp.astimezone(UTC) if sent_at is None else received_at - (sent_at - timestamp)
    except OverflowError:
        at = None
    if at is None or not EARLIEST <= at <= received_at + AHEAD_AT_MOST:
        raise Refused("timestamp", "is before 1970 or lies in the future; check the client's clock")
    return at


def event_id(source_id: UUID, message_id: str | None) -> UUID:
    """The same for every retry of a message, so that it counts once; without a messageId a new one."""
    return uuids.uuid5(source_id, message_id) if message_id else uuids.uuid7()


@lru_cache(1024)
def source_of(key_id: str) -> UUID:
    """The namespace of one write key's messages: two shops may number theirs alike."""
    return uuids.uuid5(NAMESPACE_URL, f"perennial:key/{key_id}")
