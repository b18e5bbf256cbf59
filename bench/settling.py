"""Where consumers stand against the log: for waiting until everything has followed, and for timing it."""

import asyncio
import time
from collections.abc import Mapping
from typing import NamedTuple

import asyncpg

from perennial_events import Connection, open_log
from perennial_events.catalogue import TOPICS
from perennial_events.driver import connect_arguments
from perennial_events.log import Partition

_LOOK_SECONDS = 0.2
_WATCH_SECONDS = 0.02
_QUIET_LOOKS = 3
"""A follower's own events go round once more: it has settled when nothing moved for so long."""

_OFFSETS = "SELECT topic, partition, next_offset FROM offsets WHERE consumer_group = $1"

Ends = Mapping[Partition, int]


class NotSettled(Exception):
    """Consumers did not get to the end of the log in time; names the furthest behind."""


class Applied(NamedTuple):
    """Events applied from the first batch seen to the last, and how long that took."""

    events: int
    seconds: float


async def _ends(log_url: str) -> Ends:
    log = open_log(log_url)
    try:
        return await log.ends(TOPICS)
    finally:
        await log.close()


def appended(log_url: str, topic: str | None = None) -> int:
    """How many events the log holds, in one topic or in all."""
    ends = asyncio.run(_ends(log_url))
    return sum(end for partition, end in ends.items() if topic in (None, partition.topic))


def wait_until_settled(log_url: str, databases: Mapping[str, str], within: float) -> float:
    """Return when each service has applied all that it subscribes to and its outbox is empty.

    `databases` are URLs by service, which is also the name of its consumer group. Answers with the
    seconds it took. Raises `NotSettled`.
    """
    return asyncio.run(_settle(log_url, databases, within))


async def _settle(log_url: str, databases: Mapping[str, str], within: float) -> float:
    began = time.monotonic()
    log = open_log(log_url)
    pools = {
        service: await asyncpg.connect(**connect_arguments(url))
        for service, url in databases.items()
    }
    quiet = 0
    try:
        while quiet < _QUIET_LOOKS:
            ends = await log.ends(TOPICS)
            behind = {name: await _behind(pool, name, ends) for name, pool in pools.items()}
            quiet = 0 if any(behind.values()) else quiet + 1
            if time.monotonic() - began > within:
                raise NotSettled(f"after {within:.0f} s still behind: {behind}")
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        for pool in pools.values():
            await pool.close()
        await log.close()
    return time.monotonic() - began - _QUIET_LOOKS * _LOOK_SECONDS


async def _behind(connection: Connection, service: str, ends: Ends) -> int:
    stored = await connection.fetch(_OFFSETS, service)
    behind: int = await connection.fetchval("SELECT count(*) FROM outbox")
    for topic, number, offset in stored:
        behind += max(0, ends[Partition(topic, number)] - offset)
    return behind


def watch(log_url: str, database_url: str, group: str, within: float) -> Applied:
    """Watch a consumer that was just started work off everything that the log holds now."""
    return asyncio.run(_watch(log_url, database_url, group, within))


async def _watch(log_url: str, database_url: str, group: str, within: float) -> Applied:
    ends = await _ends(log_url)
    connection = await asyncpg.connect(**connect_arguments(database_url))
    deadline = time.monotonic() + within
    began, first, done = 0.0, 0, 0
    try:
        while done < sum(ends.values()):
            stored = await connection.fetch(_OFFSETS, group)
            at = time.perf_counter()
            # Its own events go to the same log: only what waited at the start counts.
            done = sum(min(ends[Partition(t, n)], offset) for t, n, offset in stored)
            if done and not began:
                began, first = at, done
            if time.monotonic() > deadline:
                raise NotSettled(f"{group} applied {done} of {sum(ends.values())} events")
            await asyncio.sleep(_WATCH_SECONDS)
    finally:
        await connection.close()
    return Applied(done - first, at - began)
