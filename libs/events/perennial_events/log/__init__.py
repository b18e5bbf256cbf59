"""The event log: what it is (`base`), on PostgreSQL (`postgres`, the embedded default) and on Kafka."""

from collections.abc import Sequence

from perennial_events.log.base import Batch, Log, Partition, Positions, Subscription, partition_of

__all__ = [
    "Batch",
    "Log",
    "Partition",
    "Positions",
    "Subscription",
    "open_log",
    "partition_of",
    "prepare_log",
]


def open_log(url: str) -> Log:
    """The log at `url`: `kafka://host:port[,host:port]`, or a PostgreSQL URL."""
    # Imported here, so that a process carries only the client that it uses.
    if url.startswith("kafka://"):
        from perennial_events.log.kafka import KafkaLog  # noqa: PLC0415 - see above

        return KafkaLog(url.removeprefix("kafka://"))
    from perennial_events.log.postgres import PostgresLog  # noqa: PLC0415 - see above

    return PostgresLog(url)


async def prepare_log(url: str, topics: Sequence[str], partitions: int) -> None:
    """Make the log's tables where it lives in PostgreSQL, and the topics that are missing."""
    if not url.startswith("kafka://"):
        from perennial_events.log.postgres import create_schema  # noqa: PLC0415 - as in `open_log`

        await create_schema(url)
    log = open_log(url)
    try:
        await log.create_topics(topics, partitions)
    finally:
        await log.close()
