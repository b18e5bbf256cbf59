"""Parked events: one that cannot be applied stops its own key, and nothing else.

The first parked row of a key holds the reason; later events of the same topic and key wait behind it
without one. A retry applies a key's rows in order and stops at the first that fails again; discarding
the first lets the others be retried. Discarded rows stay, so that a rebuild leaves them out too.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import progress
from perennial_events.database import Database
from perennial_events.driver import driver
from perennial_events.envelope import Envelope, Record, open_envelope
from perennial_events.errors import PermanentFailure, is_permanent
from perennial_events.log import Partition
from perennial_events.subscriptions import Subscriptions

Key = tuple[str, str]
"""Topic and key."""

_COLUMNS = 'event_id, type, source, subject, time, key, imported, data, topic, partition, "offset"'

_WAITING_KEYS = "SELECT DISTINCT topic, key FROM parked_events WHERE discarded_at IS NULL"

_PARK = text(f"""
    INSERT INTO parked_events ({_COLUMNS}, reason)
    SELECT * FROM unnest(
        CAST(:ids AS uuid[]), CAST(:types AS text[]), CAST(:sources AS text[]),
        CAST(:subjects AS text[]), CAST(:times AS timestamptz[]), CAST(:keys AS text[]),
        CAST(:imported AS boolean[]), CAST(:data AS text[]), CAST(:topics AS text[]),
        CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]), CAST(:reasons AS text[]))
""")  # noqa: S608 - put together from the constant above

_LIST = text(f"""
    SELECT id, {_COLUMNS}, reason, parked_at, attempts, discarded_at FROM parked_events
    WHERE id > :after AND (discarded_at IS NULL OR :with_discarded)
      AND (CAST(:key AS text) IS NULL OR key = :key)
    ORDER BY id LIMIT :most
""")  # noqa: S608 - put together from the constant above

_OF_KEY = text(f"""
    SELECT id, {_COLUMNS} FROM parked_events
    WHERE topic = :topic AND key = :key AND discarded_at IS NULL ORDER BY id FOR UPDATE
""")  # noqa: S608 - put together from the constant above

_DISCARD = text("""
    UPDATE parked_events SET discarded_at = now()
    WHERE id = :id AND discarded_at IS NULL RETURNING topic, key
""")


class ParkedEvent(NamedTuple):
    """A parked event as an operator sees it; `reason` is None for one that waits behind another."""

    id: int
    envelope: Envelope
    partition: Partition
    offset: int
    reason: str | None
    parked_at: datetime
    attempts: int
    discarded_at: datetime | None


async def waiting_keys(session: AsyncSession) -> set[Key]:
    """The keys that an event is parked for. There are few: each is a fault to be mended."""
    connection = await driver(session)
    return {(topic, key) for topic, key in await connection.fetch(_WAITING_KEYS)}


async def park(session: AsyncSession, records: Sequence[tuple[Record, str | None]]) -> None:
    """Set records aside, each with its reason, or None where it waits behind an earlier one."""
    if not records:
        return
    envelopes = [record.envelope for record, _ in records]
    ids, types, sources, subjects, times, keys, imported, data = zip(*envelopes, strict=True)
    await session.execute(
        _PARK,
        {
            "ids": ids,
            "types": types,
            "sources": sources,
            "subjects": subjects,
            "times": times,
            "keys": keys,
            "imported": imported,
            "data": data,
            "topics": [envelope.topic for envelope in envelopes],
            "partitions": [record.partition for record, _ in records],
            "offsets": [record.offset for record, _ in records],
            "reasons": [reason for _, reason in records],
        },
    )


async def find(
    session: AsyncSession,
    *,
    after: int = 0,
    most: int = 50,
    key: str | None = None,
    with_discarded: bool = False,
) -> list[ParkedEvent]:
    """Parked events by id, those behind `after` first."""
    arguments = {"after": after, "most": most, "key": key, "with_discarded": with_discarded}
    rows = await session.execute(_LIST, arguments)
    return [
        ParkedEvent(
            row.id,
            _envelope(row),
            Partition(row.topic, row.partition),
            row.offset,
            row.reason,
            row.parked_at,
            row.attempts,
            row.discarded_at,
        )
        for row in rows
    ]


async def retry(
    database: Database, group: str, subscriptions: Subscriptions, topic: str, key: str
) -> tuple[int, str | None]:
    """Apply a key's parked events in order, each in a transaction of its own.

    Returns how many were applied, and the reason why the next one failed again, if one did.
    """
    applied = 0
    while True:
        try:
            async with database.transaction() as session:
                if not await _retry_first(session, group, subscriptions, topic, key):
                    return applied, None
        except Exception as error:
            if not is_permanent(error):
                raise
            async with database.transaction() as session:
                await _note_attempt(session, topic, key, reason_of(error))
            return applied, reason_of(error)
        applied += 1


async def _retry_first(
    session: AsyncSession, group: str, subscriptions: Subscriptions, topic: str, key: str
) -> bool:
    # The consumer appends to this queue only while it holds the partition's offset row. With that
    # row locked here, the last event cannot leave just as another one queues up behind it.
    number = await session.scalar(
        text("SELECT partition FROM parked_events WHERE topic = :topic AND key = :key LIMIT 1"),
        {"topic": topic, "key": key},
    )
    if number is None:
        return False
    await progress.lock_positions(session, group, [Partition(topic, number)])
    row = (await session.execute(_OF_KEY, {"topic": topic, "key": key})).first()
    if row is None:
        return False
    await subscriptions.apply(session, [open_envelope(_envelope(row))])
    await session.execute(text("DELETE FROM parked_events WHERE id = :id"), {"id": row.id})
    return True


async def _note_attempt(session: AsyncSession, topic: str, key: str, reason: str) -> None:
    await session.execute(
        text(
            "UPDATE parked_events SET attempts = attempts + 1, reason = :reason WHERE id ="
            " (SELECT min(id) FROM parked_events"
            "  WHERE topic = :topic AND key = :key AND discarded_at IS NULL)"
        ),
        {"topic": topic, "key": key, "reason": reason},
    )


async def discard(session: AsyncSession, id: int) -> Key | None:
    """Give one parked event up for good; return its topic and key, or None if it is not parked."""
    row = (await session.execute(_DISCARD, {"id": id})).first()
    return (row.topic, row.key) if row else None


async def withheld(session: AsyncSession) -> set[UUID]:
    """The ids of all events that are parked or discarded: they have not changed any state."""
    return set((await session.scalars(text("SELECT event_id FROM parked_events"))).all())


def reason_of(error: BaseException) -> str:
    """Why an event was parked, in one line without the event's own values."""
    if isinstance(error, PermanentFailure):
        return str(error)
    original = getattr(error, "orig", None) or error
    return f"{type(original).__name__}: {original}".splitlines()[0][:500]


def _envelope(row: Any) -> Envelope:
    return Envelope(
        row.event_id,
        row.type,
        row.source,
        row.subject,
        row.time.astimezone(UTC),
        row.key,
        row.imported,
        row.data,
    )
