"""What every service does beside its own work: follow the API keys' events, forget what is old."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Handlers, Received, Timer
from perennial_events.catalogue import KeyCreated, KeyRevoked
from perennial_http.audit import forget_reads
from perennial_http.idempotency import purge_idempotency
from perennial_http.keys import add_key, revoke_key


async def on_key_created(session: AsyncSession, events: Sequence[Received[KeyCreated]]) -> None:
    for event, envelope in events:  # a handful in a shop's life
        await add_key(
            session,
            key_id=event.key_id,
            key_hash=bytes.fromhex(event.sha256),
            scopes=event.scopes,
            at=envelope.time,
        )


async def on_key_revoked(session: AsyncSession, events: Sequence[Received[KeyRevoked]]) -> None:
    for event, envelope in events:
        await revoke_key(session, key_id=event.key_id, at=envelope.time)


KEY_HANDLERS: Handlers = {KeyCreated: on_key_created, KeyRevoked: on_key_revoked}
"""For a service's subscriptions: keys are issued in one place and known everywhere."""

HOUSEKEEPING = (
    Timer("idempotency", 60.0, purge_idempotency),
    Timer("audit", 3600.0, forget_reads),
)
"""For a service's timers."""
