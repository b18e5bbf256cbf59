"""When two customers may become one, and what the survivor is known as."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Protocol
from uuid import NAMESPACE_URL, uuid5

from profile_service.errors import (
    AlreadyMerged,
    KindsDiffer,
    MergedInACircle,
    MergedWithThemselves,
)

TAKEN_SINGLY = (
    "company_id",
    "email",
    "phone",
    "name",
    "locale",
    "timezone",
    "birth_date",
    "acquisition",
)
"""Details that the survivor takes over, each by itself, where they have none."""


class Described(Protocol):
    """A customer as somebody described them."""

    customer_id: str
    kind: Any


def check_merge(
    customer: Described, into: Described, customer_survivor: str, into_survivor: str
) -> None:
    """Whether these two may be merged, given who answers to each of their ids today.

    Both must be their own survivors: then whatever is merged, and undone in whatever order, is a
    forest. Raises `MergedWithThemselves`, `MergedInACircle`, `AlreadyMerged`, `KindsDiffer`.
    """
    if customer.customer_id == into.customer_id:
        raise MergedWithThemselves(customer.customer_id)
    if customer_survivor != customer.customer_id:
        raise AlreadyMerged(customer.customer_id, customer_survivor)
    if into_survivor == customer.customer_id:
        raise MergedInACircle(customer.customer_id, into.customer_id)
    if into_survivor != into.customer_id:
        raise AlreadyMerged(into.customer_id, into_survivor)
    if customer.kind != into.kind:
        raise KindsDiffer(customer.customer_id, customer.kind, into.customer_id, into.kind)


def filled(described: Sequence[Any]) -> dict[str, Any]:
    """The details of a customer who is several: the survivor's own, the rest from those merged into
    them, the nearest and earliest first.

    Of an address, the postcode is taken over from the same country only. Attributes join by name.
    Nothing is written anywhere, so that undoing a merge needs no memory of what came from whom.
    """
    own = described[0]
    details = {name: first_told(described, name) for name in TAKEN_SINGLY}
    country = first_told(described, "country")
    if own.country is None and own.postcode is not None:
        country = None
    postcode = first_told([each for each in described if each.country == country], "postcode")
    attributes: dict[str, Any] = {}
    for each in reversed(described):
        attributes |= each.attributes
    return {
        **details,
        "country": country,
        "postcode": postcode,
        "attributes": attributes,
        "registered": any(each.registered for each in described),
    }


def version_of(described: Sequence[Any]) -> str:
    """Tells two answers about a customer apart: the survivor's version, and whatever fills it up."""
    survivor, *merged = described
    if not merged:
        return str(survivor.version)
    others = " ".join(f"{each.customer_id} {each.version}" for each in merged)
    return f"{survivor.version}-{sha256(others.encode()).hexdigest()[:16]}"


def first_told(described: Sequence[Any], name: str) -> Any:
    """The first value of this detail that is not missing."""
    return next((value for each in described if (value := getattr(each, name)) is not None), None)


def identity_id(kind: str, value: str) -> str:
    """The same for the same identity, whoever has it: for anonymous ids it stands nowhere."""
    return str(uuid5(NAMESPACE_URL, f"perennial:identity/{kind}/{value}"))
