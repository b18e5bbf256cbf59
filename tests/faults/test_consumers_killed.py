"""Consumers are killed before and after their commits, and come and go: each event takes effect once."""

import random
import signal

import pytest

from perennial_events import Database, Log, open_log
from perennial_http.testing import until
from tests.faults.conftest import Ends, Start
from tests.faults.ledger import ledger, sealed

PROGRAM = ("-m", "tests.faults.processes.ledger_consumer")
EVENTS = 300
"""A customer."""
AT_ONCE = 5
WITHIN_SECONDS = 60


async def append_all(log: Log, keys: list[str], events: int = EVENTS) -> None:
    """Every customer's events, in order, a few in each append."""
    for first in range(0, events, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        await log.append([sealed(key, number) for number in numbers for key in keys])


async def applied(database: Database) -> int:
    return sum(map(len, (await ledger(database)).values()))


async def wait_applied(database: Database, count: int) -> None:
    async def so_many() -> bool:
        return await applied(database) >= count

    await until(so_many, within=WITHIN_SECONDS)


async def assert_exact(database: Database, keys: list[str], events: int = EVENTS) -> None:
    """Every event once, and each customer's in order. A second copy would show within the wait."""
    await wait_applied(database, events * len(keys))
    found = await ledger(database)
    assert found == {key: list(range(events)) for key in keys}


async def test_consumers_killed_around_their_commits_apply_each_event_once(
    topics: str,
    database: Database,
    ledger_url: str,
    keys: list[str],
    group: str,
    start_python: Start,
    ends: Ends,
) -> None:
    """One dies before its first commit, one after its own; the third finds the truth in the database."""
    log = open_log(topics)
    consumer = (*PROGRAM, ledger_url, topics, group)
    dying = [start_python(*consumer, moment) for moment in ("before_commit", "after_commit")]
    await append_all(log, keys)
    assert [await ends(each) for each in dying] == [-signal.SIGKILL] * 2
    assert 0 < await applied(database) < EVENTS * len(keys)
    start_python(*consumer)
    await assert_exact(database, keys)
    await log.close()


async def test_members_that_come_and_go_lose_nothing_and_repeat_nothing(
    topics: str,
    database: Database,
    ledger_url: str,
    keys: list[str],
    group: str,
    start_python: Start,
) -> None:
    """Two members share the work; one leaves, one is killed, others join, all under load."""
    await _rebalance(
        topics, database, keys, (*PROGRAM, ledger_url, topics, group), start_python, "lk"
    )


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
async def test_many_rebalances_by_chance(
    topics: str,
    database: Database,
    ledger_url: str,
    keys: list[str],
    group: str,
    start_python: Start,
    seed: int,
) -> None:
    dice = random.Random(seed)
    ways = "".join(dice.choice("lllk") for _ in range(12))
    await _rebalance(
        topics, database, keys, (*PROGRAM, ledger_url, topics, group), start_python, ways
    )


async def _rebalance(
    topics: str,
    database: Database,
    keys: list[str],
    consumer: tuple[str, ...],
    start_python: Start,
    ways: str,
) -> None:
    """For each letter of `ways` a member leaves (l) or is killed (k), and another one joins."""
    log = open_log(topics)
    portion = EVENTS // (len(ways) + 1)
    members = [start_python(*consumer), start_python(*consumer)]
    written = 0
    for way in (*ways, ""):
        for number in range(written, written + portion):
            await log.append([sealed(key, number) for key in keys])
        # The next change comes amid the work on these.
        await wait_applied(database, written * len(keys) + 1)
        written += portion
        if way:
            leaving = members.pop(0)
            leaving.send_signal(signal.SIGTERM if way == "l" else signal.SIGKILL)
            members.append(start_python(*consumer))
    await assert_exact(database, keys, written)
    await log.close()
