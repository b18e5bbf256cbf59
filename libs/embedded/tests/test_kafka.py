"""The embedded Kafka: it is a real broker, and it keeps its address and data over restarts and kills."""

import contextlib
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from perennial_embedded import EmbeddedKafka, KafkaUnavailable, kafka_jars

pytestmark = [pytest.mark.kafka, pytest.mark.xdist_group("embedded-kafka")]


async def test_keeps_acknowledged_messages_over_restart_and_kill(kafka: EmbeddedKafka) -> None:
    address = kafka.bootstrap
    await _create_topic(kafka, "kept")
    await _send(kafka, "kept", [b"1", b"2"])
    kafka.restart()
    await _send(kafka, "kept", [b"3"])
    kafka.kill()
    assert kafka.pid is None
    kafka.start()
    assert kafka.bootstrap == address
    assert await _read(kafka, "kept", 3) == [b"1", b"2", b"3"]


async def test_an_unknown_topic_is_not_created(kafka: EmbeddedKafka) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.describe_topics(["misspelt"])
        assert "misspelt" not in await admin.list_topics()
    finally:
        await admin.close()


async def test_transactions_commit_and_abort(kafka: EmbeddedKafka) -> None:
    await _create_topic(kafka, "transactions")
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, transactional_id="test")
    await producer.start()
    try:
        with contextlib.suppress(_Abort):
            async with producer.transaction():
                await producer.send_and_wait("transactions", b"aborted")
                raise _Abort
        async with producer.transaction():
            await producer.send_and_wait("transactions", b"committed")
    finally:
        await producer.stop()
    assert await _read(kafka, "transactions", 1) == [b"committed"]


def test_a_missing_java_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="Java 17"):
        EmbeddedKafka(tmp_path / "kafka").start()


def test_a_wrong_kafka_home_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="KAFKA_HOME"):
        kafka_jars.classpath()


class _Abort(Exception):
    """Ends a transaction."""


async def _create_topic(kafka: EmbeddedKafka, name: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def _send(kafka: EmbeddedKafka, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka.bootstrap, enable_idempotence=True, acks="all"
    )
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _read(kafka: EmbeddedKafka, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=kafka.bootstrap,
        group_id=f"readers-of-{topic}",
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    )
    await consumer.start()
    try:
        return [(await consumer.getone()).value for _ in range(count)]
    finally:
        await consumer.stop()
