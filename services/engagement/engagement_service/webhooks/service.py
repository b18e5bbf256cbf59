"""The verbs of webhook endpoints."""

from datetime import datetime, timedelta

import uuid_utils.compat as uuids
from pydantic_core import to_json
from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from engagement_service.errors import EndpointExists, UnknownDelivery, UnknownEndpoint
from engagement_service.webhooks.models import Delivery, Endpoint
from engagement_service.webhooks.payloads import TEST_TYPE
from engagement_service.webhooks.rules import DeliveryStatus
from perennial_events import driver, emit
from perennial_webhooks import Sealer, new_secret

KEPT_FOR = timedelta(days=30)
"""How long a finished delivery can be replayed."""
FORGOTTEN_AT_ONCE = 5_000

_FORGET_DELIVERIES = text("""
    DELETE FROM webhook_deliveries WHERE delivery_id IN (
        SELECT delivery_id FROM webhook_deliveries
        WHERE created_at < :before AND status <> 'pending' LIMIT :most)
""")
_FORGET_MESSAGES = text("""
    DELETE FROM webhook_messages WHERE event_id IN (
        SELECT event_id FROM webhook_messages AS told
        WHERE created_at < :before
          AND NOT EXISTS (
              SELECT FROM webhook_deliveries AS sent
              WHERE sent.event_id = told.event_id AND sent.created_at < :before)
        LIMIT :most)
""")
_TEST_MESSAGE = """
    INSERT INTO webhook_messages (event_id, type, at, data, created_at) VALUES ($1, $2, $3, $4, $3)
"""


async def create_endpoint(
    session: AsyncSession, endpoint: Endpoint, sealer: Sealer, now: datetime
) -> str:
    """Make an endpoint, and return its secret, which is shown this once. Raises `EndpointExists`."""
    secret = new_secret()
    endpoint.secret = sealer.seal(secret)
    session.add(endpoint)
    try:
        await session.flush()
    except IntegrityError:
        raise EndpointExists(endpoint.endpoint_id) from None
    emit(session, *endpoint.create(), at=now)
    return secret


async def get_endpoint(session: AsyncSession, endpoint_id: str) -> Endpoint:
    endpoint = await session.get(Endpoint, endpoint_id)
    if endpoint is None:
        raise UnknownEndpoint(endpoint_id)
    return endpoint


async def lock_endpoint(session: AsyncSession, endpoint_id: str) -> Endpoint:
    endpoint = await session.get(Endpoint, endpoint_id, with_for_update=True)
    if endpoint is None:
        raise UnknownEndpoint(endpoint_id)
    return endpoint


async def rotate_secret(
    session: AsyncSession, endpoint_id: str, sealer: Sealer, now: datetime
) -> tuple[Endpoint, str]:
    """A new secret; for a day the old one signs as well."""
    endpoint, secret = await lock_endpoint(session, endpoint_id), new_secret()
    endpoint.rotate(sealer.seal(secret), now)
    await session.flush()
    return endpoint, secret


async def pause_endpoint(session: AsyncSession, endpoint_id: str) -> Endpoint:
    endpoint = await lock_endpoint(session, endpoint_id)
    endpoint.pause()
    await session.flush()
    return endpoint


async def resume_endpoint(session: AsyncSession, endpoint_id: str) -> Endpoint:
    endpoint = await lock_endpoint(session, endpoint_id)
    endpoint.resume()
    await session.flush()
    return endpoint


async def delete_endpoint(session: AsyncSession, endpoint_id: str) -> None:
    """Forget an endpoint with all that it was sent."""
    await lock_endpoint(session, endpoint_id)
    await session.execute(delete(Endpoint).where(Endpoint.endpoint_id == endpoint_id))


async def send_test(session: AsyncSession, endpoint_id: str, now: datetime) -> Delivery:
    """Queue a message of its own type, so that a receiver can be tried without an event."""
    endpoint = await get_endpoint(session, endpoint_id)
    event_id = uuids.uuid7()
    data = to_json({"endpoint_id": endpoint_id}).decode()
    await (await driver(session)).execute(_TEST_MESSAGE, event_id, TEST_TYPE, now, data)
    key = endpoint_id if endpoint.ordered else None
    row = await session.execute(
        insert(Delivery)
        .values(
            endpoint_id=endpoint_id,
            event_id=event_id,
            type=TEST_TYPE,
            order_key=key,
            status="pending",
            attempts=0,
            due_at=now,
            created_at=now,
        )
        .returning(Delivery)
    )
    return row.scalar_one()


async def replay_delivery(
    session: AsyncSession, endpoint_id: str, delivery_id: int, now: datetime
) -> int:
    """Send one delivery again, whatever became of it. Raises `UnknownDelivery`."""
    await get_endpoint(session, endpoint_id)
    found = await session.execute(
        update(Delivery)
        .where(Delivery.endpoint_id == endpoint_id, Delivery.delivery_id == delivery_id)
        .values(status="pending", attempts=0, due_at=now, finished_at=None)
    )
    if not found.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult
        raise UnknownDelivery(delivery_id)
    return 1


async def replay_range(
    session: AsyncSession,
    endpoint_id: str,
    since: datetime,
    until: datetime,
    status: DeliveryStatus | None,
    now: datetime,
) -> int:
    """Send again what was queued from `since` until before `until`; return how many those are.

    What is still on its way goes on as it is. Each keeps its `webhook-id`.
    """
    await get_endpoint(session, endpoint_id)
    chosen = update(Delivery).where(
        Delivery.endpoint_id == endpoint_id,
        Delivery.created_at >= since,
        Delivery.created_at < until,
        Delivery.status != "pending" if status is None else Delivery.status == status,
    )
    found = await session.execute(
        chosen.values(status="pending", attempts=0, due_at=now, finished_at=None)
    )
    return int(found.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


async def forget_old(session: AsyncSession, now: datetime) -> int:
    """Delete what was finished a month ago, some at once; return how many rows went."""
    chosen = {"before": now - KEPT_FOR, "most": FORGOTTEN_AT_ONCE}
    gone = 0
    for statement in (_FORGET_DELIVERIES, _FORGET_MESSAGES):
        found = await session.execute(statement, chosen)
        gone += int(found.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult
    return gone
