"""Whose a fact is: customers by their id, anonymous visitors by theirs behind a `~`."""

ANONYMOUS = "~"
"""No id may contain it, so that an anonymous visitor is never taken for a customer."""


def anonymous(anonymous_id: str) -> str:
    return ANONYMOUS + anonymous_id


def visitor(customer_id: str | None, anonymous_id: str | None) -> str:
    """The identity of a click: the customer where the event names one."""
    return customer_id if customer_id is not None else anonymous(anonymous_id or "")
