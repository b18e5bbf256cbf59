"""What an event log is to Perennial: topics of partitions, appended to durably and read by offset."""

import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Protocol

from perennial_events.envelope import Envelope, Record


class Partition(NamedTuple):
    topic: str
    number: int


Positions = Callable[[set[Partition]], Awaitable[Mapping[Partition, int]]]
"""Answers from which offset a member that was just given partitions has to go on."""

Batch = dict[Partition, list[Record]]


class Subscription(Protocol):
    """One member of a consumer group, while it is one."""

    async def fetch(self, limit: int, within: float) -> Batch:
        """Up to about `limit` records of the assigned partitions, in offset order for each.

        Waits up to `within` seconds for the first. Empty when there was none. The next call goes on
        behind what this one gave.
        """

    def seek(self, partitions: set[Partition]) -> None:
        """Forget where these partitions stand, and ask for their positions again."""

    @property
    def assigned(self) -> set[Partition]:
        """The partitions that this member reads now."""


class Log(Protocol):
    """The event log. Two adapters implement it and pass the same contract tests."""

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        """Write `envelopes`, in order for each key; return when they are durable.

        Raises `LogUnavailable` when that is not known: the same envelopes may then be sent again.
        """

    def subscribe(
        self,
        group: str,
        topics: Sequence[str],
        positions: Positions,
        *,
        linger_seconds: float = 0.0,
    ) -> AbstractAsyncContextManager[Subscription]:
        """Join `group`: its partitions are shared out among its members as they come and go.

        A record may wait for `linger_seconds`, that others come along with it.
        """

    async def read(self, positions: Mapping[Partition, int], limit: int) -> Batch:
        """Records from the given offsets on, outside of any group. Empty at the end."""

    async def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        """For every partition of `topics`, the offset of the first record that is still kept."""

    async def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        """For every partition of `topics`, the offset that its next record will get."""

    async def create_topics(self, topics: Sequence[str], partitions: int) -> None:
        """Make the topics that are not there yet."""

    async def close(self) -> None:
        """Let go of every connection."""


def partition_of(key: str, partitions: int) -> int:
    """The partition that keeps `key` in order. Every producer uses this same function (CRC-32)."""
    return zlib.crc32(key.encode()) % partitions
