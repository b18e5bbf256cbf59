"""The verb of tracking: from a call to the events that the log gets."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from pydantic_core import to_json

from engagement_service.errors import Refused
from engagement_service.tracking import rules
from engagement_service.tracking.batches import Batch, Refusal
from engagement_service.tracking.calls import Alias, Call, Group, Identify, Page, Screen, Track
from engagement_service.tracking.scrub import Kept, campaign_of, scrubbed
from perennial_events import Envelope, seal
from perennial_events.catalogue import Clicked, VisitorIdentified
from perennial_http import Key

SOURCE: Final = "/perennial/engagement"

STITCHING = (Identify, Alias)
"""The calls that say who an anonymous visitor is."""

_is_id = re.compile(r"[A-Za-z0-9._:-]{1,64}").fullmatch


class Taken(NamedTuple):
    """What became of a batch: its events in order, how many calls they tell of, and the refusals."""

    envelopes: list[Envelope]
    accepted: int
    refused: list[Refusal]


def take_batch(batch: Batch, key: Key, received_at: datetime) -> Taken:
    """The events of a batch. Whatever cannot be taken is refused by itself."""
    envelopes: list[Envelope] = []
    refused = list(batch.refused)
    for index, call in batch.calls:
        try:
            envelopes += take(call, key, received_at, batch.sent_at)
        except Refused as refusal:
            refused.append(Refusal(index=index, errors=refusal.errors))
    accepted = len(batch.calls) + len(batch.refused) - len(refused)
    return Taken(envelopes, accepted, sorted(refused, key=lambda each: each.index))


def take(
    call: Call, key: Key, received_at: datetime, sent_at: datetime | None = None
) -> Sequence[Envelope]:
    """The events of one call: a click, and who the visitor is where `identify` or `alias` says it.

    A call of another kind that carries both ids does not stitch: a shared device would make two
    customers one. Raises `Refused`.
    """
    customer_id = _id(call.user_id, "userId")
    if isinstance(call, Alias):
        anonymous_id = _id(call.previous_id, "previousId")
    else:
        anonymous_id = _id(call.anonymous_id, "anonymousId")
    if customer_id is None and anonymous_id is None:
        raise Refused("userId", "is required, unless anonymousId is given")
    at = rules.occurred_at(call.timestamp, call.sent_at or sent_at, received_at)
    click_id = rules.event_id(rules.source_of(key.key_id), call.message_id)
    click = _click(call, click_id, at, customer_id, anonymous_id)
    if (
        not isinstance(call, STITCHING)
        or customer_id is None
        or anonymous_id is None
        or customer_id == anonymous_id
    ):
        return (click,)
    identified = VisitorIdentified(customer_id=customer_id, anonymous_id=anonymous_id)
    stitch_id = uuid5(click_id, VisitorIdentified.fact)
    return click, seal(identified, source=SOURCE, time=at, id=stitch_id)


def _id(value: str | None, field: str) -> str | None:
    if value is None:
        return None
    if _is_id(value) is None:
        raise Refused(
            field,
            "must be 1 to 64 characters of A-Z a-z 0-9 . _ : -; an e-mail address or another personal"
            " detail cannot be an id: send the id that your shop knows the customer by",
        )
    return value


def _click(
    call: Call, id: UUID, at: datetime, customer_id: str | None, anonymous_id: str | None
) -> Envelope:
    """A sealed `Clicked`, written straight to JSON: what goes in was checked, piece by piece.

    Validating the whole once more would take longer than all the rest of a call. A test holds that
    whatever is written here reads back as a `Clicked`.
    """
    name, properties = _told(call)
    data: dict[str, Any] = {"name": name}
    if anonymous_id is not None:
        data["anonymous_id"] = anonymous_id
    if customer_id is not None:
        data["customer_id"] = customer_id
    sent = getattr(call, "properties", None)
    if (session_id := _session_of(call.context) or _session_of(sent)) is not None:
        data["session_id"] = session_id
    if sent and (sku := _sku_of(sent)) is not None:
        data["sku"] = sku
    data["properties"] = properties
    visitor = customer_id or anonymous_id or ""
    return Envelope(id, Clicked.type, SOURCE, visitor, at, visitor, False, to_json(data).decode())


def _told(call: Call) -> tuple[str, Mapping[str, Kept]]:
    """The click's name and what is kept of its properties."""
    if isinstance(call, Track):
        name = rules.click_name(call.event)
        if name is None:
            raise Refused(
                "event",
                "must become 1 to 64 of a-z 0-9 _ in snake_case, and name no person: such as"
                " `Product Viewed`",
            )
        return name, scrubbed(call.properties, campaign_of(call.context, call.properties))
    if isinstance(call, (Page, Screen)):
        campaign = campaign_of(call.context, call.properties)
        named: dict[str, Any] = {call.type: call.name} if call.name else {}
        return f"{call.type}_viewed", scrubbed({**named, **(call.properties or {})}, campaign)
    campaign = campaign_of(call.context)
    if isinstance(call, Group):
        return "grouped", scrubbed({"group_id": _id(call.group_id, "groupId")}, campaign)
    return "identified", scrubbed(None, campaign)


def _session_of(fields: Mapping[str, Any] | None) -> str | None:
    if not fields:
        return None
    return _as_id(fields.get("sessionId") or fields.get("session_id"))


def _sku_of(properties: Mapping[str, Any]) -> str | None:
    for name in ("sku", "product_id"):
        if (sku := _as_id(properties.get(name))) is not None:
            return sku
    products = properties.get("products")
    if isinstance(products, list) and products and isinstance(products[0], dict):
        return _as_id(products[0].get("sku")) or _as_id(products[0].get("product_id"))
    return None


def _as_id(value: Any) -> str | None:
    """`value` where it can be an id; shops also number theirs."""
    if type(value) is int:
        value = str(value) if 0 <= value < 10**18 else None
    return value if type(value) is str and _is_id(value) else None
