"""A real broker for this folder's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from perennial_embedded import EmbeddedKafka, KafkaUnavailable


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """One broker for the session; where none can be had the tests skip, unless a real one is required."""
    home: Path = tmp_path_factory.mktemp("kafka")
    broker = EmbeddedKafka(home)
    try:
        broker.start()
    except KafkaUnavailable as unavailable:
        if os.environ.get("PERENNIAL_REQUIRE_KAFKA") == "1":
            raise
        pytest.skip(f"no real Kafka here: {unavailable}")
    yield broker
    broker.stop()
