"""Finding customers by what any of their identities is known by."""

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from perennial_events.identities import ALIASES, anonymous, survivor
from profile_service.customers.models import Customer
from profile_service.identities.models import Identity

TOLD = aliased(Customer, name="told")
"""A customer as described, whoever answers to their id today."""


def survivors() -> Select[Customer]:
    """All customers, but for those who were merged into another or erased."""
    merged = exists().where(ALIASES.c.identity == Customer.customer_id)
    return select(Customer).where(~merged, Customer.erased_at.is_(None))


def known_by(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether a condition on `TOLD` holds for the customer or for somebody merged into them."""
    survivor_id = survivor(TOLD.customer_id)
    return Customer.customer_id.in_(select(survivor_id).where(condition))


def added(kind: str, value: str) -> ColumnElement[bool]:
    """Whether this identity was added to the customer."""
    holders = select(Identity.customer_id).where(Identity.kind == kind, Identity.value == value)
    return TOLD.customer_id.in_(holders)


def told_or_added(
    column: InstrumentedAttribute[str | None], kind: str, value: str
) -> ColumnElement[bool]:
    """Whether the customer's own detail, or an identity that was added, is this value."""
    return or_(column == value, added(kind, value))


def visited_as(anonymous_id: str) -> ColumnElement[bool]:
    """Whether this anonymous visitor turned out to be the customer."""
    whose = select(ALIASES.c.customer_id).where(ALIASES.c.identity == anonymous(anonymous_id))
    return Customer.customer_id.in_(whose)
