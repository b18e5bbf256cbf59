"""What was viewed, and put into carts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from perennial_events import Received
from perennial_events.catalogue import Clicked
from recommend_service.facts.identities import identity

VIEWED, ADDED = "product_viewed", "product_added"

# What is older than the horizon was let go of: a replay must not bring it back.
_STORE = """
    INSERT INTO views (identity, sku, at, added)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::boolean[])
        AS told (identity, sku, at, added)
    WHERE at >= (SELECT max(views_from) FROM horizon)
"""


class View(NamedTuple):
    identity: str
    sku: str
    at: datetime
    added: bool
    """Whether the product was put into a cart, by which it is viewed too."""


def views_of(clicks: Sequence[Received[Clicked]]) -> list[View]:
    """The clicks that are views of products by somebody."""
    found = []
    for click, envelope in clicks:
        who = identity(click.customer_id, click.anonymous_id)
        if click.sku is not None and who is not None and click.name in (VIEWED, ADDED):
            found.append(View(who, click.sku, envelope.time, click.name == ADDED))
    return found


async def store_views(connection: Any, clicks: Sequence[Received[Clicked]]) -> None:
    views = views_of(clicks)
    if views:
        await connection.execute(_STORE, *zip(*views, strict=True))
