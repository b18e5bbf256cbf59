"""The event log on Apache Kafka, through aiokafka: the only module that imports it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from perennial_events.envelope import Envelope
from perennial_events.errors import LogUnavailable
from perennial_events.log.base import Batch, Partition, Positions, Subscription, partition_of
from perennial_events.log.binary_mode import from_message, to_headers

MAX_BATCH_BYTES = 900_000
"""Below the broker's default `message.max.bytes` of 1 MiB."""

APPEND_SECONDS = 30.0

LINGER_BYTES = 65_536
"""A fetch that is this large waits no longer: some two hundred events."""

TAKEN_AT_ONCE = 100
"""Messages unpacked in one go, a millisecond's work: what is applied meanwhile waits no longer for its turn."""

REPLICAS = 3
"""How many brokers keep each partition, where there are so many."""


class KafkaLog:
    """A log on the cluster that `bootstrap` (`host:port[,host:port]`) belongs to."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._reader: AIOKafkaConsumer | None = None
        self._starting = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        try:
            async with asyncio.timeout(APPEND_SECONDS):
                producer = await self._started_producer()
                groups: dict[Partition, list[Envelope]] = {}
                for envelope in envelopes:
                    count = len(await producer.partitions_for(envelope.topic))
                    partition = Partition(envelope.topic, partition_of(envelope.key, count))
                    groups.setdefault(partition, []).append(envelope)
                await asyncio.gather(
                    *(self._send(producer, partition, rows) for partition, rows in groups.items())
                )
        except (KafkaError, TimeoutError, OSError) as error:
            # After an outage the broker may know other sequence numbers than this producer (aiokafka
            # issue 1017): a new one starts afresh.
            await self._drop_producer()
            raise LogUnavailable(f"Kafka did not acknowledge: {error!r}") from error

    async def _send(
        self, producer: AIOKafkaProducer, partition: Partition, envelopes: Sequence[Envelope]
    ) -> None:
        """Send batch after batch: a later one must not arrive where an earlier one failed."""
        batch = producer.create_batch()
        for envelope in envelopes:
            message = {
                "timestamp": None,  # now: when it was appended
                "key": envelope.key.encode(),
                "value": envelope.data.encode(),
                "headers": to_headers(envelope),
            }
            if batch.append(**message) is None:
                await (
                    await producer.send_batch(batch, partition.topic, partition=partition.number)
                )
                batch = producer.create_batch()
                batch.append(**message)
        await (await producer.send_batch(batch, partition.topic, partition=partition.number))

    async def _started_producer(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    acks="all",
                    enable_idempotence=True,
                    max_batch_size=MAX_BATCH_BYTES,
                    max_request_size=MAX_BATCH_BYTES * 2,
                    request_timeout_ms=10_000,
                    linger_ms=0,
                )
                try:
                    await producer.start()
                except BaseException:
                    await producer.stop()
                    raise
                self._producer = producer
            return self._producer

    async def _drop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                await asyncio.wait_for(producer.stop(), 5)

    @asynccontextmanager
    async def subscribe(
        self,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        *,
        linger_seconds: float = 0.0,
    ) -> AsyncIterator[Subscription]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            # Else the broker answers, and this process is woken, for every single append.
            fetch_min_bytes=LINGER_BYTES if linger_seconds else 1,
            fetch_max_wait_ms=int(linger_seconds * 1000) or 100,
            max_partition_fetch_bytes=1_048_576,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
            metadata_max_age_ms=10_000,
        )
        subscription = KafkaSubscription(consumer, positions)
        consumer.subscribe(list(topics), listener=subscription)
        try:
            await _or_unavailable(consumer.start())
            yield subscription
        finally:
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                await asyncio.wait_for(consumer.stop(), 5)

    async def read(self, positions: Mapping[Partition, int], limit: int) -> Batch:
        if not positions:
            return {}
        async with self._reading:
            reader = await self._started_reader()
            ends = await _or_unavailable(
                reader.end_offsets([TopicPartition(*partition) for partition in positions])
            )
            behind = {
                TopicPartition(*partition): position
                for partition, position in positions.items()
                if position < ends[TopicPartition(*partition)]
            }
            if not behind:
                return {}
            reader.assign(list(behind))
            for topic_partition, position in behind.items():
                reader.seek(topic_partition, position)
            found = await _or_unavailable(reader.getmany(timeout_ms=5_000, max_records=limit))
        return {
            Partition(*topic_partition): [from_message(message) for message in messages]
            for topic_partition, messages in found.items()
            if messages
        }

    async def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        async with self._reading:
            reader = await self._started_reader()
            partitions = await self._partitions_of(topics)
            starts = await _or_unavailable(reader.beginning_offsets(partitions))
        return {Partition(*topic_partition): start for topic_partition, start in starts.items()}

    async def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        async with self._reading:
            reader = await self._started_reader()
            partitions = await self._partitions_of(topics)
            ends = await _or_unavailable(reader.end_offsets(partitions))
        return {Partition(*topic_partition): end for topic_partition, end in ends.items()}

    async def _partitions_of(self, topics: Sequence[str]) -> list[TopicPartition]:
        # The producer is the part of aiokafka that asks for the metadata of any topic.
        producer = await _or_unavailable(self._started_producer())
        return [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(await _or_unavailable(producer.partitions_for(topic)))
        ]

    async def _started_reader(self) -> AIOKafkaConsumer:
        if self._reader is None:
            reader = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                enable_auto_commit=False,
                auto_offset_reset="earliest",
                fetch_max_wait_ms=100,
            )
            try:
                await _or_unavailable(reader.start())
            except BaseException:
                await reader.stop()
                raise
            self._reader = reader
        return self._reader

    async def create_topics(self, topics: Sequence[str], partitions: int) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
        try:
            await _or_unavailable(admin.start())
            brokers = (await _or_unavailable(admin.describe_cluster()))["brokers"]
            answer = await _or_unavailable(
                admin.create_topics(
                    [
                        NewTopic(
                            topic,
                            num_partitions=partitions,
                            replication_factor=min(REPLICAS, len(brokers)),
                            topic_configs={"retention.ms": "-1"},
                        )
                        for topic in topics
                    ]
                )
            )
            for _topic, code, *_rest in answer.topic_errors:
                if code and for_code(code) is not TopicAlreadyExistsError:
                    raise LogUnavailable(f"cannot create topic {_topic}: {for_code(code).__name__}")
        finally:
            await admin.close()

    async def close(self) -> None:
        await self._drop_producer()
        if self._reader is not None:
            await self._reader.stop()
            self._reader = None


async def _or_unavailable(call: Any) -> Any:
    try:
        return await call
    except (KafkaError, TimeoutError, OSError) as error:
        raise LogUnavailable(f"Kafka does not answer: {error!r}") from error


class KafkaSubscription(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """See `Subscription`.

    aiokafka serves an assignment before it has awaited the listener, and only logs what the listener
    raises. So the listener just pauses what it was given, and `fetch` does the rest: it asks for the
    positions, seeks and resumes, and drops whatever came from a partition before that.
    """

    def __init__(self, consumer: AIOKafkaConsumer, positions: Positions) -> None:
        self._consumer = consumer
        self._ask = positions
        self._next: dict[TopicPartition, int] = {}

    async def on_partitions_revoked(self, revoked: list[TopicPartition]) -> None:
        for partition in revoked:
            self._next.pop(partition, None)

    async def on_partitions_assigned(self, assigned: list[TopicPartition]) -> None:
        for partition in assigned:
            self._next.pop(partition, None)
        self._consumer.pause(*assigned)

    @property
    def assigned(self) -> set[Partition]:
        return {Partition(*partition) for partition in self._consumer.assignment()}

    def seek(self, partitions: set[Partition]) -> None:
        for partition in partitions:
            self._next.pop(TopicPartition(*partition), None)

    async def fetch(self, limit: int, within: float) -> Batch:
        await self._place()
        batch: Batch = {}
        wait, taken = within, TAKEN_AT_ONCE
        while limit > 0 and taken == TAKEN_AT_ONCE:
            found = await _or_unavailable(
                self._consumer.getmany(
                    timeout_ms=int(wait * 1000), max_records=min(limit, TAKEN_AT_ONCE)
                )
            )
            self._take(found, batch)
            taken = sum(map(len, found.values()))
            limit, wait = limit - taken, 0.0
            await asyncio.sleep(0)
        return batch

    def _take(self, found: Mapping[TopicPartition, Sequence[Any]], batch: Batch) -> None:
        """Add the records of messages that come from where their partition stands."""
        for topic_partition, messages in found.items():
            expected = self._next.get(topic_partition)
            if expected is None or not messages:
                continue
            records = [from_message(message) for message in messages if message.offset >= expected]
            if records:
                self._next[topic_partition] = records[-1].offset + 1
                batch.setdefault(Partition(*topic_partition), []).extend(records)

    async def _place(self) -> None:
        """Seek to the stored positions of partitions that have none here yet."""
        unplaced = {p for p in self._consumer.assignment() if p not in self._next}
        if not unplaced:
            return
        positions = await self._ask({Partition(*partition) for partition in unplaced})
        for partition in unplaced & self._consumer.assignment():
            self._consumer.seek(partition, positions[Partition(*partition)])
            self._next[partition] = positions[Partition(*partition)]
            self._consumer.resume(partition)
