"""Whether a customer may be reached on a channel for a purpose, and where. Pure functions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from profile_service.consents.models import Channel, Said
from profile_service.identities.rules import filled

Reason = Literal["unknown", "erased", "no_address", "no_consent"]

GRANTED = "granted"


class Known(NamedTuple):
    """What stands in the database about one of the customers asked about."""

    customer_id: str
    known: bool
    erased: bool
    email: str | None
    phone: str | None
    name: str | None
    street: str | None
    postcode: str | None
    country: str | None
    push_token: str | None
    locale: str | None
    timezone: str | None
    status: str | None
    """What they said last about this channel and purpose; None where they never did."""
    status_at: datetime | None


def known_as_one(customer_id: str, described: Sequence[Any], said: Said) -> Known:
    """What stands about somebody who goes by several ids: the survivor first, then those merged in."""
    details = filled(described)
    attributes = details["attributes"]
    holds = said.holds
    return Known(
        customer_id=customer_id,
        known=True,
        erased=False,
        **{name: details[name] for name in ("email", "phone", "name", "postcode", "country")},
        street=_text(attributes.get("address")),
        push_token=_text(attributes.get("push_token")),
        locale=details["locale"],
        timezone=details["timezone"],
        status=holds.status if holds else None,
        status_at=holds.at if holds else None,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _letter(known: Known) -> str | None:
    """Name, street, postcode and country as the lines of an envelope; a letter needs all but the last."""
    if not (known.name and known.street and known.postcode):
        return None
    return "\n".join(filter(None, (known.name, known.street, known.postcode, known.country)))


_ADDRESSES: Mapping[Channel, Callable[[Known], str | None]] = {
    "email": lambda known: known.email,
    "sms": lambda known: known.phone,
    "phone": lambda known: known.phone,
    "push": lambda known: known.push_token,
    "post": _letter,
    # Shown at the next visit: the id is all it takes.
    "web": lambda known: known.customer_id,
}


class Contact(NamedTuple):
    """An address that may be used now, or the reason why there is none."""

    address: str | None
    reason: Reason | None


def contact(known: Known, channel: Channel) -> Contact:
    """Address and permission together: without the permission the address is not told."""
    address = _ADDRESSES[channel](known)
    refusals: Mapping[Reason, bool] = {
        "unknown": not known.known,
        "erased": known.erased,
        "no_address": not address,
        "no_consent": known.status != GRANTED,
    }
    reason = next((reason for reason, holds in refusals.items() if holds), None)
    return Contact(None if reason else address, reason)
