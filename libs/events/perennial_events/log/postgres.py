"""The event log on PostgreSQL: the embedded default, with the same meaning as Kafka's."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import asyncpg

from perennial_events.driver import connect_arguments, leave_as_it_is
from perennial_events.envelope import Envelope, Record
from perennial_events.errors import LogUnavailable, is_transient
from perennial_events.log.base import Batch, Partition, Positions, Subscription, partition_of
from perennial_events.log.membership import PostgresSubscription

BATCH_RECORDS = 1_000
"""Most records of one partition that share a row: bounds what a reader has to take at once."""

# Offsets have no gaps, so how many records a row adds is known without opening its arrays.
_FETCH = """
    SELECT partition_id, base_offset, appended_at, ids, types, sources, subjects, times, keys, imported, data
    FROM (
        SELECT b.*, place,
               sum(last_offset - base_offset + 1) OVER (ORDER BY place, last_offset)
                   - (last_offset - base_offset + 1) AS before
        FROM unnest($1::integer[], $2::bigint[]) WITH ORDINALITY AS wanted (id, position, place)
        CROSS JOIN LATERAL (
            SELECT * FROM batches
            WHERE partition_id = wanted.id AND last_offset >= wanted.position
              AND base_offset < wanted.position + $3
            ORDER BY last_offset LIMIT $3
        ) AS b
    ) AS found
    WHERE before < $3
    ORDER BY place, last_offset
"""


async def create_schema(url: str) -> None:
    """Make the log's tables where they are missing."""
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        # Two processes may get here at once, and CREATE ... IF NOT EXISTS races with itself.
        await connection.execute("SELECT pg_advisory_lock(hashtext('perennial log schema'))")
        await connection.execute(
            resources.files("perennial_events.log").joinpath("schema.sql").read_text()
        )
    finally:
        await connection.close()


BELL_PAUSE_SECONDS = 0.005
"""From one ring to the next: a ring wakes a process for every listener, whatever it listens for."""


class PostgresLog:
    """A log in the database at `url`, whose schema `create_schema` has made."""

    def __init__(self, url: str) -> None:
        self._arguments = connect_arguments(url)
        self._pool: asyncpg.Pool[Any] | None = None
        self._opening = asyncio.Lock()
        self._partitions: dict[str, list[int]] = {}
        self._names: dict[int, Partition] = {}
        self._bell: asyncio.Task[None] | None = None
        self._rung: set[str] = set()
        self._ring = asyncio.Event()

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        if not envelopes:
            return
        async with self._connection() as connection:
            arguments = await self._in_partition_order(connection, envelopes)
            for chunk in arguments:
                await connection.execute(
                    "SELECT append_batches($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)", *chunk
                )
        self._rung.update(envelope.topic for envelope in envelopes)
        self._ring.set()

    async def _in_partition_order(
        self, connection: Any, envelopes: Sequence[Envelope]
    ) -> list[tuple[Any, ...]]:
        """The arguments of `append_batches`, cut so that no row gets more than BATCH_RECORDS."""
        groups: dict[int, list[Envelope]] = {}
        for envelope in envelopes:
            ids = await self._partition_ids(connection, envelope.topic)
            groups.setdefault(ids[partition_of(envelope.key, len(ids))], []).append(envelope)
        rounds = -(-max(map(len, groups.values())) // BATCH_RECORDS)
        chunks = []
        for start in range(0, rounds * BATCH_RECORDS, BATCH_RECORDS):
            cut = {id: rows[start : start + BATCH_RECORDS] for id, rows in groups.items()}
            cut = {id: rows for id, rows in cut.items() if rows}
            columns = zip(*(row for rows in cut.values() for row in rows), strict=True)
            chunks.append((list(cut), [len(rows) for rows in cut.values()], *columns))
        return chunks

    async def _partition_ids(self, connection: Any, topic: str) -> list[int]:
        """The ids of a topic's partitions, by number."""
        if topic not in self._partitions:
            rows = await connection.fetch(
                "SELECT id, number FROM partitions WHERE topic = $1 ORDER BY number", topic
            )
            if not rows:
                raise LogUnavailable(f"there is no topic {topic}")
            self._partitions[topic] = [row["id"] for row in rows]
            self._names.update({row["id"]: Partition(topic, row["number"]) for row in rows})
        return self._partitions[topic]

    @asynccontextmanager
    async def subscribe(
        self,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        *,
        linger_seconds: float = 0.0,
    ) -> AsyncIterator[Subscription]:
        partitions = set(await self.ends(topics))
        subscription = PostgresSubscription(
            self._arguments, group, topics, partitions, positions, self.read, linger_seconds
        )
        try:
            yield subscription
        finally:
            await subscription.leave()

    async def read(self, positions: Mapping[Partition, int], limit: int) -> Batch:
        if not positions:
            return {}
        async with self._connection() as connection:
            wanted = {}
            for partition, position in positions.items():
                ids = await self._partition_ids(connection, partition.topic)
                wanted[ids[partition.number]] = position
            rows = await connection.fetch(_FETCH, list(wanted), list(wanted.values()), limit)
        return self._records(rows, wanted)

    def _records(self, rows: Sequence[Any], wanted: Mapping[int, int]) -> Batch:
        batch: Batch = {}
        for id, base, appended_at, *columns in rows:
            partition = self._names[id]
            skip = max(0, wanted[id] - base)
            records = [
                Record(partition.number, base + index, appended_at, Envelope(*row))
                for index, row in enumerate(zip(*columns, strict=True))
                if index >= skip
            ]
            batch.setdefault(partition, []).extend(records)
        return batch

    async def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        return dict.fromkeys(await self.ends(topics), 0)  # nothing is ever removed

    async def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        async with self._connection() as connection:
            rows = await connection.fetch(
                "SELECT id, topic, number, next_offset FROM partitions WHERE topic = ANY ($1)",
                list(topics),
            )
        self._names.update({row["id"]: Partition(row["topic"], row["number"]) for row in rows})
        return {Partition(row["topic"], row["number"]): row["next_offset"] for row in rows}

    async def create_topics(self, topics: Sequence[str], partitions: int) -> None:
        async with self._connection() as connection:
            await connection.execute(
                "INSERT INTO partitions (topic, number) SELECT topic, number"
                " FROM unnest($1::text[]) AS topic, generate_series(0, $2 - 1) AS number"
                " WHERE NOT EXISTS (SELECT FROM partitions p WHERE p.topic = topic.topic)"
                " ON CONFLICT DO NOTHING",
                list(topics),
                partitions,
            )

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        """A pooled connection; a failure of the surroundings becomes `LogUnavailable`."""
        try:
            async with self._opening:
                if self._pool is None:
                    self._pool = await asyncpg.create_pool(
                        **self._arguments,
                        min_size=0,
                        max_size=3,
                        command_timeout=10,
                        # Nothing here outlives its statement, so there is nothing to take back.
                        reset=leave_as_it_is,
                        server_settings={
                            "application_name": "perennial-log",
                            "jit": "off",
                            # Few statements, the same ones always: none is worth a plan of its own.
                            "plan_cache_mode": "force_generic_plan",
                        },
                    )
                    self._bell = asyncio.create_task(self._ring_the_bell())
            async with self._pool.acquire() as connection:
                yield connection
        except Exception as error:
            if is_transient(error):
                raise LogUnavailable(f"the event log does not answer: {error}") from error
            raise

    async def _ring_the_bell(self) -> None:
        """Wake the readers of what was appended.

        A NOTIFY takes a lock over the whole server until its commit, so it stands outside of the
        append, on a connection that does not wait for the disk, and one rings for many appends.
        """
        while True:
            await self._ring.wait()
            self._ring.clear()
            rung, self._rung = self._rung, set()
            with contextlib.suppress(LogUnavailable):  # readers also look by themselves
                async with self._connection() as connection:
                    await connection.execute(
                        "SELECT set_config('synchronous_commit', 'off', true),"
                        " pg_notify(topic, '') FROM unnest($1::text[]) AS topic",
                        list(rung),
                    )
            await asyncio.sleep(BELL_PAUSE_SECONDS)

    async def close(self) -> None:
        if self._bell is not None:
            self._bell.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._bell
        if self._pool is not None:
            await self._pool.close()
            self._pool = None
