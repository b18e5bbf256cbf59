"""Compares every service's truth with every projection, and the log with what clients were told.

    await check(platform.addresses, told)

waits until nothing moves any more, and raises an AssertionError that names each thing that is lost,
double or out of order. It reads databases and log directly: what it checks must not check itself.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from engagement_service.handlers import subscriptions as engagement_subscriptions
from orders_service.handlers import SUBSCRIPTIONS as ORDERS
from perennial_cli.services import SERVICES
from perennial_events import Envelope, Log, Subscriptions, open_log, utc_now
from perennial_events.catalogue import TOPICS
from perennial_events.driver import connect_arguments
from perennial_events.log import Partition
from profile_service.handlers import subscriptions as profile_subscriptions
from profile_service.stages.rules import Thresholds
from profile_service.worth.rules import Costs
from recommend_service.handlers import SUBSCRIPTIONS as RECOMMEND
from support_service.handlers import SUBSCRIPTIONS as SUPPORT
from tests.faults import projections
from tests.faults.load import Told

LOOKS = 5
SETTLE_SECONDS = 60.0
READ_AT_ONCE = 10_000
SHOWN = 5

SUBSCRIBED: Mapping[str, Subscriptions] = {
    "profile": profile_subscriptions(utc_now, Thresholds(30, 90, 180), Costs(0, 0, {})),
    "orders": ORDERS,
    "engagement": engagement_subscriptions(utc_now, asyncio.Event()),
    "support": SUPPORT,
    "recommend": RECOMMEND,
}

Databases = Mapping[str, "asyncpg.Connection[Any]"]


@dataclass(frozen=True)
class History:
    """The log, read whole. `first` holds each event's first appearance, in the order of its partition."""

    first: Mapping[UUID, Envelope]
    place: Mapping[UUID, tuple[Partition, int]]
    records: int

    @property
    def duplicates(self) -> int:
        """How many records are second copies: what a relay sent again. Consumers absorb them."""
        return self.records - len(self.first)


async def check(
    addresses: Mapping[str, str], told: Told | None = None, *, within: float = SETTLE_SECONDS
) -> History:
    """Check a platform that nobody writes to any more; answers with its history.

    Clocks go on, and may change a stage or a grade between the history and the look at the tables: only
    a look during which nothing was appended counts.
    """
    async with opened(addresses) as (databases, log):
        for _look in range(LOOKS):
            await settle(databases, log, within)
            ends = await log.ends(TOPICS)
            history = await read_history(log)
            found = await findings(databases, history, told or Told())
            if ends == await log.ends(TOPICS):
                break
        else:
            found.append(f"in none of {LOOKS} looks was the log still")
    assert not found, "\n".join(["the platform is not consistent:", *found])
    return history


@asynccontextmanager
async def opened(addresses: Mapping[str, str]) -> AsyncIterator[tuple[Databases, Log]]:
    """A connection to each service's database, and the log."""
    databases: dict[str, asyncpg.Connection[Any]] = {}
    log = open_log(addresses["log"])
    try:
        for name in SERVICES:
            databases[name] = await asyncpg.connect(**connect_arguments(addresses[name]))
        yield databases, log
    finally:
        await log.close()
        for connection in databases.values():
            await connection.close()


async def findings(databases: Databases, history: History, told: Told) -> list[str]:
    """What is wrong, a sentence each; nothing, where all agree."""
    found = await nothing_parked(databases)
    found += told_is_in_the_log(history, told)
    found += await accepted_orders_stand(databases["orders"], told)
    for name in SERVICES:
        found += await heard_what_it_subscribes_to(name, databases[name], history)
    for comparison in projections.COMPARISONS:
        found += await comparison(databases, history.first)
    return found


# Until nothing moves


async def settle(databases: Databases, log: Log, within: float) -> None:
    """Wait until every outbox is empty and every group has read to the end, and both still hold."""
    deadline = asyncio.get_running_loop().time() + within
    calm_at: Mapping[Partition, int] | None = None
    while True:
        moving = await _waiting_in_outboxes(databases)
        ends = await log.ends(TOPICS)
        moving += await _behind(databases, ends)
        if not moving:
            # Applying an event may emit another one: only a second look at the same ends is calm.
            if calm_at == ends:
                return
            calm_at = ends
        assert asyncio.get_running_loop().time() < deadline, f"still moving: {moving}"
        await asyncio.sleep(0.1)


async def _waiting_in_outboxes(databases: Databases) -> list[str]:
    counts = {
        name: await c.fetchval("SELECT count(*) FROM outbox") for name, c in databases.items()
    }
    return [f"{count} events in the outbox of {name}" for name, count in counts.items() if count]


async def _behind(databases: Databases, ends: Mapping[Partition, int]) -> list[str]:
    found: list[str] = []
    for name, connection in databases.items():
        rows = await connection.fetch("SELECT topic, partition, next_offset FROM offsets")
        stands = {Partition(topic, number): position for topic, number, position in rows}
        found += [
            f"{name} in {partition.topic}/{partition.number}, of {end}"
            for partition, end in ends.items()
            if partition.topic in SUBSCRIBED[name].topics and stands.get(partition, 0) < end
        ]
    return found


async def read_history(log: Log) -> History:
    """Everything in the log, from its beginning."""
    first: dict[UUID, Envelope] = {}
    place: dict[UUID, tuple[Partition, int]] = {}
    count = 0
    ends = await log.ends(TOPICS)
    positions = dict.fromkeys(ends, 0)
    while behind := {p: position for p, position in positions.items() if position < ends[p]}:
        for partition, records in (await log.read(behind, READ_AT_ONCE)).items():
            positions[partition] = records[-1].offset + 1
            count += len(records)
            for record in records:
                first.setdefault(record.envelope.id, record.envelope)
                place.setdefault(record.envelope.id, (partition, record.offset))
    return History(first, place, count)


# The log against what clients were told


def told_is_in_the_log(history: History, told: Told) -> list[str]:
    """Each answered event is in the log, and none stands before one that its client learned of earlier."""
    findings = []
    for lane, events in told.events.items():
        ids = [UUID(event) for event in events]
        lost = [id for id in ids if id not in history.first]
        if lost:
            findings.append(f"{lane}: told of, not in the log: {some(lost)}")
        at: dict[Partition, int] = {}
        for id in ids:
            if id in history.place:
                partition, offset = history.place[id]
                if offset < at.get(partition, -1):
                    findings.append(f"{lane}: {history.first[id].type} {id} stands too early")
                at[partition] = max(offset, at.get(partition, -1))
    return findings


async def accepted_orders_stand(orders: "asyncpg.Connection[Any]", told: Told) -> list[str]:
    rows = await orders.fetch("SELECT order_id FROM orders")
    lost = told.orders - {row["order_id"] for row in rows}
    return [f"accepted orders are gone: {some(lost)}"] if lost else []


# Consumers


async def nothing_parked(databases: Databases) -> list[str]:
    findings = []
    for name, connection in databases.items():
        rows = await connection.fetch(
            "SELECT type, key, reason FROM parked_events WHERE discarded_at IS NULL"
        )
        if rows:
            findings.append(f"{name} has parked {some([tuple(row) for row in rows])}")
    return findings


async def heard_what_it_subscribes_to(
    name: str, connection: "asyncpg.Connection[Any]", history: History
) -> list[str]:
    """The inbox holds exactly the events that the service subscribes to."""
    wants: Callable[[str], bool] = SUBSCRIBED[name].wants
    wanted = {id for id, envelope in history.first.items() if wants(envelope.type)}
    inbox = {row["event_id"] for row in await connection.fetch("SELECT event_id FROM inbox")}
    findings = []
    if lost := wanted - inbox:
        types = [history.first[id].type for id in lost]
        findings.append(f"{name} never applied {len(lost)} events: {some(types)}")
    if unknown := inbox - wanted:
        findings.append(f"{name} applied {len(unknown)} events that the log does not hold")
    return findings


def some(things: Sequence[Any] | set[Any]) -> str:
    """The first few, and how many there are."""
    shown = ", ".join(map(str, list(things)[:SHOWN]))
    return shown if len(things) <= SHOWN else f"{shown}, … ({len(things)})"
