"""Whose a click is: customers by their id, anonymous visitors by theirs behind a `~`."""

from perennial_events.identities import anonymous


def identity(customer_id: str | None, anonymous_id: str | None) -> str | None:
    """The identity of a click: the customer where the event names one."""
    if customer_id is not None:
        return customer_id
    return anonymous(anonymous_id) if anonymous_id is not None else None
