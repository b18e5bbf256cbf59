"""From events to deliveries: in the consumer's transaction, two statements a batch."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from engagement_service.webhooks.payloads import PARTNER_TYPES
from engagement_service.webhooks.rules import matches
from perennial_events import Clock, Event, Reaction, Received, driver

_ENDPOINTS = "SELECT endpoint_id, event_types, ordered, status FROM webhook_endpoints"
_MESSAGES = """
    INSERT INTO webhook_messages (event_id, type, at, data, created_at)
    SELECT event_id, type, at, data, $5
    FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[])
        AS told (event_id, type, at, data)
    ON CONFLICT DO NOTHING
"""
# In the order of the batch, so that delivery ids are in the order of a customer's events.
_DELIVERIES = """
    INSERT INTO webhook_deliveries
        (endpoint_id, event_id, type, order_key, status, due_at, created_at)
    SELECT endpoint_id, event_id, type, order_key, status, $6, $6
    FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
        AS wanted (endpoint_id, event_id, type, order_key, status, place)
    ORDER BY place
"""


def webhooks(clock: Clock, queued: asyncio.Event) -> Reaction:
    """What follows from every event that a partner may ask for. History triggers nothing.

    `queued` is set where there is something to deliver, once this transaction commits.
    """

    async def apply(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        live = [each for each in batch if not each.envelope.imported]
        if live and await fan_out(session, live, clock()):
            queued.set()

    return Reaction("webhooks", tuple(PARTNER_TYPES.values()), apply)


async def fan_out(session: AsyncSession, events: Sequence[Received[Event]], now: datetime) -> bool:
    """Queue each event for every endpoint that asks for it; say whether any does."""
    connection = await driver(session)
    endpoints = await connection.fetch(_ENDPOINTS)
    asked: dict[str, list[Any]] = {}
    wanted: list[tuple[Any, ...]] = []
    for _, envelope in events:
        if envelope.type not in asked:
            asked[envelope.type] = [
                e for e in endpoints if matches(e["event_types"], envelope.type)
            ]
        for endpoint in asked[envelope.type]:
            # What a disabled endpoint misses is kept for a replay.
            status = "held" if endpoint["status"] == "disabled" else "pending"
            key = envelope.key if endpoint["ordered"] else None
            wanted.append((endpoint["endpoint_id"], envelope.id, envelope.type, key, status))
    if not wanted:
        return False
    told = [each.envelope for each in events if asked[each.envelope.type]]
    columns = ([e.id for e in told], [e.type for e in told], [e.time for e in told])
    await connection.execute(_MESSAGES, *columns, [e.data for e in told], now)
    await connection.execute(_DELIVERIES, *map(list, zip(*wanted, strict=True)), now)
    return True
