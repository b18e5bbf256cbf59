"""Embedded servers: a real PostgreSQL and a real Apache Kafka, run as child processes."""

from perennial_embedded.kafka import EmbeddedKafka, KafkaUnavailable
from perennial_embedded.postgres import EmbeddedPostgres, PostgresFailed, PostgresInUse

__all__ = [
    "EmbeddedKafka",
    "EmbeddedPostgres",
    "KafkaUnavailable",
    "PostgresFailed",
    "PostgresInUse",
]
