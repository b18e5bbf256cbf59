"""The log alone: how long after an append was acknowledged another process's reader has it.

`python -m bench.floors.delivery LOG RATE SECONDS` appends and reads through two clients of their own
and prints p50 and p99 as one line of JSON: below this no projection can be.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime

import uuid_utils.compat as uuids
import uvloop

from bench.load.measured import MILLISECONDS, percentile
from perennial_events import Envelope, Log, Partition, open_log
from perennial_events.catalogue import PARTITIONS
from perennial_events.group_commit import GroupCommit

TOPIC = "bench.delivery"
_READ_RECORDS = 2_000
_GRACE_SECONDS = 5.0


def _envelope(number: int) -> Envelope:
    return Envelope(
        id=uuids.uuid7(),
        type=f"{TOPIC}.sent.v1",
        source="/bench",
        subject=str(number),
        time=datetime.now(UTC),
        key=str(number),
        imported=False,
        data="{}",
    )


async def _send(group: GroupCommit, number: int, accepted: dict[str, float]) -> None:
    await group.append([_envelope(number)])
    accepted[str(number)] = time.perf_counter()


async def _receive(log: Log, read: dict[str, float], ready: asyncio.Event) -> None:
    async def from_the_end(partitions: set[Partition]) -> Mapping[Partition, int]:
        ends = await log.ends([TOPIC])
        return {partition: ends[partition] for partition in partitions}

    async with log.subscribe("bench-delivery", [TOPIC], from_the_end) as subscription:
        await subscription.fetch(_READ_RECORDS, 1.0)
        ready.set()
        while True:
            for records in (await subscription.fetch(_READ_RECORDS, 1.0)).values():
                now = time.perf_counter()
                read.update((record.envelope.key, now) for record in records)


async def run(url: str, rate: int, seconds: float) -> dict[str, float]:
    sending, receiving = open_log(url), open_log(url)
    await sending.create_topics([TOPIC], PARTITIONS)
    accepted: dict[str, float] = {}
    read: dict[str, float] = {}
    ready = asyncio.Event()
    reader = asyncio.create_task(_receive(receiving, read, ready))
    await ready.wait()
    group, began, count = GroupCommit(sending), time.perf_counter(), int(rate * seconds)
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.create_task(_send(group, number, accepted))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GRACE_SECONDS):
            while len(read) < count:  # noqa: ASYNC110 - the reader has no event for "all of them"
                await asyncio.sleep(0.05)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    await sending.close()
    await receiving.close()
    late = sorted(max(0.0, read[number] - at) for number, at in accepted.items() if number in read)
    return {
        "p50_ms": percentile(late, 0.50) * MILLISECONDS,
        "p99_ms": percentile(late, 0.99) * MILLISECONDS,
        "lost": count - len(late),
    }


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(run(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
        print(json.dumps(found), flush=True)
