"""Many callers share an append, and each learns what became of its own events."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
import uuid_utils.compat as uuids

from perennial_events.envelope import Envelope
from perennial_events.errors import LogUnavailable
from perennial_events.group_commit import GroupCommit
from perennial_events.log import Log, open_log
from perennial_events.log.postgres import PostgresLog

TOPIC = "perennial.counts"


class CountingLog(PostgresLog):
    """The real log, which also remembers how much each append carried."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.appends: list[int] = []

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        self.appends.append(len(envelopes))
        await super().append(envelopes)


def envelope(key: str, number: int) -> Envelope:
    return Envelope(
        id=uuids.uuid7(),
        type=f"{TOPIC}.counted.v1",
        source="/perennial/test",
        subject=key,
        time=datetime(2026, 1, 2, tzinfo=UTC),
        key=key,
        imported=False,
        data=f'{{"number":{number}}}',
    )


async def stored(log: Log) -> list[Envelope]:
    ends = await log.ends([TOPIC])
    found = await log.read(dict.fromkeys(ends, 0), 10_000)
    return [record.envelope for records in found.values() for record in records]


async def test_many_callers_share_a_write_and_keep_their_order(log_url: str) -> None:
    log = CountingLog(log_url)
    await log.create_topics([TOPIC], 4)
    clicks = GroupCommit(log)
    sent = [[envelope(f"c{n % 5}", n), envelope(f"c{n % 5}", n)] for n in range(300)]

    await asyncio.gather(*(clicks.append(each) for each in sent))

    assert sum(log.appends) == 600
    assert len(log.appends) < 30
    found = await stored(log)
    for key in {each.key for each in found}:
        assert [one for one in found if one.key == key] == [
            one for each in sent for one in each if one.key == key
        ]
    await log.close()


async def test_what_was_answered_is_in_the_log(log_url: str) -> None:
    log = open_log(log_url)
    await log.create_topics([TOPIC], 4)
    clicks = GroupCommit(log)
    one = envelope("c1", 1)
    await clicks.append([one])
    assert await stored(log) == [one]
    await log.close()


async def test_a_caller_that_leaves_does_not_disturb_the_others(log_url: str) -> None:
    log = open_log(log_url)
    await log.create_topics([TOPIC], 4)
    clicks = GroupCommit(log)
    callers = [asyncio.create_task(clicks.append([envelope("c1", n)])) for n in range(10)]
    await asyncio.sleep(0)
    callers[3].cancel()
    results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results if result is not None] == [asyncio.CancelledError]
    assert len(await stored(log)) == 10
    await log.close()


async def test_every_caller_learns_of_a_failure_and_the_next_may_succeed(log_url: str) -> None:
    log = open_log(log_url)
    clicks = GroupCommit(log)
    results = await asyncio.gather(
        *(clicks.append([envelope("c1", n)]) for n in range(5)), return_exceptions=True
    )
    assert {type(result) for result in results} == {LogUnavailable}
    await log.create_topics([TOPIC], 4)
    await clicks.append([envelope("c1", 6)])
    assert len(await stored(log)) == 1
    with pytest.raises(LogUnavailable):
        await GroupCommit(open_log("postgresql+asyncpg://nobody@127.0.0.1:1/x")).append(
            [envelope("c1", 7)]
        )
    await log.close()
