"""What both log adapters promise."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import uuid_utils.compat as uuids

from perennial_events.envelope import Envelope, Record
from perennial_events.log import Log, Partition, Subscription, partition_of

ATTEMPTS = 200


def envelope(topic: str, key: str, number: int, *, imported: bool = False) -> Envelope:
    return Envelope(
        id=uuids.uuid7(),
        type=f"{topic}.counted.v1",
        source="/perennial/test",
        subject=f"subject-{key}",
        time=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        key=key,
        imported=imported,
        data=f'{{"number":{number}}}',
    )


@pytest.fixture
async def topic(event_log: Log) -> str:
    name = f"perennial.t{uuid4().hex}".translate(str.maketrans("0123456789", "ghijklmnop"))
    await event_log.create_topics([name], 4)
    return name


async def from_start(partitions: set[Partition]) -> dict[Partition, int]:
    return dict.fromkeys(partitions, 0)


async def collect(
    subscription: Subscription, count: int, into: list[tuple[Partition, Record]] | None = None
) -> list[tuple[Partition, Record]]:
    found = [] if into is None else into
    for _attempt in range(ATTEMPTS):
        batch = await subscription.fetch(1_000, 0.2)
        found += [(partition, record) for partition, rows in batch.items() for record in rows]
        if len(found) >= count:
            return found
    raise AssertionError(f"only {len(found)} of {count} records came")


async def test_what_is_appended_is_read_unchanged_and_in_order(event_log: Log, topic: str) -> None:
    sent = [envelope(topic, f"c{n % 7}", n, imported=n % 5 == 0) for n in range(2_500)]
    await event_log.append(sent)

    async with event_log.subscribe("readers", [topic], from_start) as subscription:
        found = await collect(subscription, len(sent))

    assert {record.envelope.id: record.envelope for _, record in found} == {
        sent_one.id: sent_one for sent_one in sent
    }
    for key in {one.key for one in sent}:
        assert [r.envelope.data for _, r in found if r.envelope.key == key] == [
            one.data for one in sent if one.key == key
        ]
    for partition, record in found:
        assert partition == Partition(topic, partition_of(record.envelope.key, 4))


async def test_a_lone_record_waits_for_others_but_not_for_ever(event_log: Log, topic: str) -> None:
    async with event_log.subscribe(
        "patient", [topic], from_start, linger_seconds=0.1
    ) as subscription:
        await subscription.fetch(1_000, 0.2)
        await event_log.append([envelope(topic, "c1", 1)])
        assert len(await collect(subscription, 1)) == 1


async def test_read_goes_on_from_any_offset(event_log: Log, topic: str) -> None:
    for start in (0, 5):
        await event_log.append([envelope(topic, "c1", n) for n in range(start, start + 5)])
    partition = Partition(topic, partition_of("c1", 4))

    batch = await event_log.read({partition: 3}, 4)

    numbers = [(r.offset, r.envelope.data) for r in batch[partition]]
    assert numbers[:2] == [(3, '{"number":3}'), (4, '{"number":4}')]
    assert await event_log.read({partition: 10}, 4) == {}


async def test_ends_counts_what_was_appended(event_log: Log, topic: str) -> None:
    await event_log.append([envelope(topic, "c1", n) for n in range(3)])
    partition = Partition(topic, partition_of("c1", 4))
    ends = await event_log.ends([topic])
    assert ends == {Partition(topic, n): 3 if n == partition.number else 0 for n in range(4)}


async def test_seek_asks_for_positions_again(event_log: Log, topic: str) -> None:
    await event_log.append([envelope(topic, "c1", n) for n in range(4)])
    asked: list[set[Partition]] = []

    async def positions(partitions: set[Partition]) -> dict[Partition, int]:
        asked.append(partitions)
        return dict.fromkeys(partitions, 2 if len(asked) > 1 else 0)

    async with event_log.subscribe("seekers", [topic], positions) as subscription:
        first = await collect(subscription, 4)
        subscription.seek({first[0][0]})
        again = await collect(subscription, 2)

    assert [record.offset for _, record in again] == [2, 3]


async def test_members_share_the_partitions_and_take_over(event_log: Log, topic: str) -> None:
    """Two members split the partitions; when one leaves, the other reads on from what was stored."""
    stored: dict[Partition, int] = {}

    async def positions(partitions: set[Partition]) -> Mapping[Partition, int]:
        return {partition: stored.get(partition, 0) for partition in partitions}

    async def drain(subscription: Subscription, until: Collection[Partition]) -> None:
        for _attempt in range(ATTEMPTS):
            for partition, rows in (await subscription.fetch(1_000, 0.1)).items():
                stored[partition] = rows[-1].offset + 1
            if subscription.assigned == set(until):
                return
        raise AssertionError(f"{subscription.assigned} was assigned, not {until}")

    everything = {Partition(topic, number) for number in range(4)}
    async with event_log.subscribe("sharers", [topic], positions) as one:
        await drain(one, everything)
        async with event_log.subscribe("sharers", [topic], positions) as other:
            async with asyncio.timeout(30):
                while len(one.assigned) != 2 or len(other.assigned) != 2:
                    await asyncio.gather(one.fetch(10, 0.1), other.fetch(10, 0.1))
            assert one.assigned | other.assigned == everything
        await event_log.append([envelope(topic, f"c{n}", n) for n in range(40)])
        await drain(one, everything)
        for _attempt in range(ATTEMPTS):
            for partition, rows in (await one.fetch(1_000, 0.1)).items():
                stored[partition] = rows[-1].offset + 1
            if sum(stored.values()) == 40:
                break
    assert stored == await event_log.ends([topic])


async def test_concurrent_appends_keep_each_keys_order(event_log: Log, topic: str) -> None:
    async def writer(key: str) -> None:
        for n in range(0, 60, 3):
            await event_log.append([envelope(topic, key, n + i) for i in range(3)])

    await asyncio.gather(*(writer(f"c{n}") for n in range(8)))

    async with event_log.subscribe("orderly", [topic], from_start) as subscription:
        found = await collect(subscription, 480)
    for n in range(8):
        data = [r.envelope.data for _, r in found if r.envelope.key == f"c{n}"]
        assert data == [f'{{"number":{i}}}' for i in range(60)]
