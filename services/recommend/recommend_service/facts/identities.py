"""Whose a fact is: customers by their id, anonymous visitors by theirs behind a `~`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from perennial_events import Received
from perennial_events.catalogue import VisitorIdentified

ANONYMOUS = "~"
"""No id may contain it, so that an anonymous visitor is never taken for a customer."""

# A device may pass from one customer to another, whose events come through different partitions: the
# later fact holds, by its own time and not by when it got here.
_ALIAS = """
    INSERT INTO aliases (identity, customer_id, at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT (identity) DO UPDATE SET customer_id = excluded.customer_id, at = excluded.at
    WHERE (excluded.at, excluded.customer_id) > (aliases.at, aliases.customer_id)
"""


def anonymous(anonymous_id: str) -> str:
    return ANONYMOUS + anonymous_id


def identity(customer_id: str | None, anonymous_id: str | None) -> str | None:
    """The identity of a click: the customer where the event names one."""
    if customer_id is not None:
        return customer_id
    return anonymous(anonymous_id) if anonymous_id is not None else None


async def identify_visitors(connection: Any, events: Sequence[Received[VisitorIdentified]]) -> None:
    """An anonymous past is a customer's from now on, whether its clicks came before or come later."""
    latest: dict[str, tuple[datetime, str]] = {}
    for event, envelope in events:
        who, told = anonymous(event.anonymous_id), (envelope.time, event.customer_id)
        latest[who] = max(told, latest.get(who, told))
    if latest:
        identities = sorted(latest)
        times, customers = zip(*(latest[who] for who in identities), strict=True)
        await connection.execute(_ALIAS, identities, customers, times)
