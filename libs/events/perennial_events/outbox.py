"""The outbox: events wait in the writer's own database, committed with the change they tell of.

A row that stands in the table is not published yet. The relay deletes what the log acknowledged, so
the table stays as small as the backlog, and "not yet published" is never a comparison of ids: ids are
handed out before their transactions commit, so `id > last seen` would skip a late committer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.driver import driver
from perennial_events.envelope import Envelope, Event, seal

_COLLECTED = "perennial_outbox"
_TAKEN = "perennial_outbox_taken"

INSERT = """
    INSERT INTO outbox (event_id, type, subject, time, key, imported, data)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::text[],
                         $6::boolean[], $7::text[])
"""
"""Its arguments are what `take` returns. Row ids are taken here, after every lock of the transaction, so that
for one aggregate the order of ids is the order of commits."""


def collect(
    session: AsyncSession,
    events: Iterable[Event],
    *,
    at: datetime,
    imported: bool = False,
    cause: UUID | None = None,
) -> None:
    """Keep `events` with the session until its transaction ends."""
    collected = session.info.setdefault(_COLLECTED, [])
    for event in events:
        # The same cause tells the same fact about the same aggregate once, so its id can be derived.
        id = uuid5(cause, f"{event.type} {event.subject}") if cause else None
        collected.append(seal(event, source="", time=at, id=id, imported=imported))


def collected(session: AsyncSession) -> list[Envelope]:
    """The envelopes that this session's transaction will publish, in order."""
    return list(session.info.get(_COLLECTED, ()))


def restore(session: AsyncSession, envelopes: list[Envelope]) -> None:
    """Go back to what `collected` gave earlier: what was emitted since was rolled back."""
    session.info[_COLLECTED] = envelopes


def take(session: AsyncSession) -> tuple[Sequence[Any], ...]:
    """What was collected, as the arguments of `INSERT`: for whoever ends the transaction with a statement
    of their own, which this one becomes a part of."""
    envelopes: list[Envelope] = session.info.pop(_COLLECTED, [])
    if not envelopes:
        return ((),) * 7
    session.info[_TAKEN] = True
    ids, types, _, subjects, times, keys, imported, data = zip(*envelopes, strict=True)
    return ids, types, subjects, times, keys, imported, data


async def write(session: AsyncSession) -> bool:
    """Insert what was collected, as the transaction's last act; say whether the transaction publishes."""
    if session.info.get(_COLLECTED):
        connection = await driver(session)
        await connection.execute(INSERT, *take(session))
    return bool(session.info.pop(_TAKEN, False))
