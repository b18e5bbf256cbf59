"""Where a consumer group stands and what it has seen: the offsets and the inbox, set-wise."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.driver import driver
from perennial_events.envelope import Record
from perennial_events.errors import Fenced
from perennial_events.log import Partition

INBOX_KEEPS = timedelta(days=7)

_PARTITIONS = "unnest(CAST(:topics AS text[]), CAST(:numbers AS integer[]))"

_LOCK = text(f"""
    SELECT topic, partition, next_offset FROM offsets
    WHERE consumer_group = :consumer_group AND (topic, partition) IN (SELECT * FROM {_PARTITIONS})
    ORDER BY topic, partition FOR UPDATE
""")  # noqa: S608 - put together from the constant above

_READ = text("""
    SELECT topic, partition, next_offset FROM offsets WHERE consumer_group = :consumer_group
""")

_BEGIN = text(f"""
    INSERT INTO offsets (consumer_group, topic, partition)
    SELECT :consumer_group, * FROM {_PARTITIONS} ON CONFLICT DO NOTHING
""")  # noqa: S608 - put together from the constant above

# One round trip begins a batch. The inbox waits for the lock, so that two members that believe to own
# a partition queue up at its offset and never in a ring. Nothing is parked, nearly always: only the
# fact that something is travels back. What follows in the transaction keeps its generic plans: for an
# array of three the planner would think every time anew, which takes longer than the statement.
_BEGIN_BATCH = text(f"""
    WITH claimed AS MATERIALIZED (
        SELECT topic, partition, next_offset FROM offsets
        WHERE consumer_group = :consumer_group AND (topic, partition) IN (SELECT * FROM {_PARTITIONS})
        ORDER BY topic, partition FOR UPDATE
    ), new AS (
        INSERT INTO inbox (event_id)
        SELECT id FROM unnest(CAST(:ids AS uuid[])) AS id WHERE (SELECT count(*) FROM claimed) > 0
        ORDER BY id  -- as the index has them: a tenth faster
        ON CONFLICT DO NOTHING RETURNING event_id
    )
    SELECT (SELECT array_agg((topic, partition, next_offset)) FROM claimed) AS claimed,
           EXISTS (SELECT FROM parked_events WHERE discarded_at IS NULL) AS parked,
           (SELECT CASE WHEN count(*) < cardinality(CAST(:ids AS uuid[]))
                   THEN coalesce(array_agg(event_id), '{{}}') END FROM new) AS new,
           set_config('plan_cache_mode', 'force_generic_plan', true)
""")  # noqa: S608 - put together from the constant above

_MOVE = """
    UPDATE offsets SET next_offset = moved.next_offset, applied_at = clock_timestamp(),
        lag_ms = greatest(0, least(2147483647,
            extract(epoch FROM clock_timestamp() - moved.appended_at) * 1000))
    FROM unnest($2::text[], $3::integer[], $4::bigint[], $5::timestamptz[])
        AS moved (topic, partition, next_offset, appended_at)
    WHERE offsets.consumer_group = $1 AND offsets.topic = moved.topic
      AND offsets.partition = moved.partition
"""

_MOVE_LAZILY = f"""
    WITH lazily AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
    {_MOVE} AND (SELECT true FROM lazily)
"""  # noqa: S608 - put together from the constant above

# Null where all were new, which is nearly always: then their ids need not travel back.
_SEE = """
    WITH new AS (
        INSERT INTO inbox (event_id) SELECT unnest($1::uuid[])
        ON CONFLICT DO NOTHING RETURNING event_id
    )
    SELECT count(*) = $2::bigint, CASE WHEN count(*) < $2::bigint THEN array_agg(event_id) END
    FROM new
"""

_FORGET = text("""
    DELETE FROM inbox WHERE event_id IN (
        SELECT event_id FROM inbox WHERE seen_at < :before LIMIT :most)
""")


async def lock_positions(
    session: AsyncSession, group: str, partitions: Collection[Partition]
) -> dict[Partition, int]:
    """The stored position of each partition, locked until the transaction ends; new ones begin at 0."""
    arguments = _arguments(group, partitions)
    rows = (await session.execute(_LOCK, arguments)).all()
    if len(rows) < len(partitions):
        await session.execute(_BEGIN, arguments)
        rows = (await session.execute(_LOCK, arguments)).all()
    return {Partition(topic, number): position for topic, number, position in rows}


async def positions(
    session: AsyncSession, group: str, partitions: Collection[Partition]
) -> dict[Partition, int]:
    """The stored position of each partition, as it stands now; 0 where there is none yet."""
    rows = await session.execute(_READ, {"consumer_group": group})
    stored = {Partition(topic, number): position for topic, number, position in rows}
    return {partition: stored.get(partition, 0) for partition in partitions}


class Begun(NamedTuple):
    """What is to be applied of a batch, and whether there are parked events that some must wait for."""

    records: Sequence[Record]
    parked: bool


async def begin_batch(
    session: AsyncSession,
    group: str,
    expected: Mapping[Partition, int],
    records: Sequence[Record],
) -> Begun:
    """Lock the positions of these partitions, and enter the records' events into the inbox.

    Those that were in it are left out. Raises `Fenced` if a partition is not where the caller
    believes it to be: another member has moved it.
    """
    ids = [record.envelope.id for record in records]
    arguments = _arguments(group, expected)
    found = (await session.execute(_BEGIN_BATCH, {**arguments, "ids": ids})).one()
    stored = {Partition(topic, number): position for topic, number, position in found.claimed or ()}
    for partition, position in expected.items():
        if stored.get(partition) != position:
            raise Fenced(
                f"{partition.topic}/{partition.number} stands at {stored.get(partition)},"
                f" not {position}"
            )
    return Begun(records if found.new is None else _among(records, set(found.new)), found.parked)


async def move(
    session: AsyncSession, group: str, last: Mapping[Partition, Record], *, emitted: bool
) -> None:
    """Store that the group has applied each partition up to its last record, and how late it is.

    Where nothing was emitted the commit need not wait for the disk: should a crash undo it, offsets
    and effects are undone together, and the log gives the same events again.
    """
    connection = await driver(session)
    await connection.execute(
        _MOVE if emitted else _MOVE_LAZILY,
        group,
        [partition.topic for partition in last],
        [partition.number for partition in last],
        [record.offset + 1 for record in last.values()],
        [record.appended_at for record in last.values()],
    )


async def unseen(session: AsyncSession, records: Sequence[Record]) -> list[Record]:
    """Enter the records' events into the inbox and return those that were not in it."""
    if not records:
        return []
    ids = [record.envelope.id for record in records]
    connection = await driver(session)
    all_new, found = await connection.fetchrow(_SEE, ids, len(ids))  # type: ignore[misc]  # one row
    return list(records) if all_new else _among(records, set(found or ()))


def _among(records: Sequence[Record], new: set[UUID]) -> list[Record]:
    fresh = []
    for record in records:
        if record.envelope.id in new:
            new.discard(record.envelope.id)  # a second copy within the batch is a duplicate too
            fresh.append(record)
    return fresh


async def forget_old(session: AsyncSession, now: datetime, most: int = 5_000) -> int:
    """Drop up to `most` ids that the inbox has kept for long enough; return how many went."""
    result = await session.execute(_FORGET, {"before": now - INBOX_KEEPS, "most": most})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE gives a CursorResult


def _arguments(group: str, partitions: Collection[Partition]) -> dict[str, object]:
    return {
        "consumer_group": group,
        "topics": [partition.topic for partition in partitions],
        "numbers": [partition.number for partition in partitions],
    }
