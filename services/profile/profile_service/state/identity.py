"""Whose a click is: customers by their id, anonymous visitors by theirs behind a `~`."""

from perennial_events.identities import anonymous


def visitor(customer_id: str | None, anonymous_id: str | None) -> str:
    """The identity of a click: the customer where the event names one."""
    return customer_id if customer_id is not None else anonymous(anonymous_id or "")
