"""A relay is killed after the log has its events and before it has marked them: they come twice."""

import asyncio
import signal

from perennial_events import Database, emit, open_log
from perennial_events.catalogue import OrderCompleted
from perennial_events.consumer import Consumer
from perennial_events.log import Partition, partition_of
from perennial_events.relay import Relay
from perennial_http.testing import until
from tests.faults.conftest import Ends, Start
from tests.faults.ledger import ledger, numbered, outbox_size, subscriptions

PROGRAM = "tests/faults/processes/relay_cut.py"
EVENTS = 40
"""A customer."""
KILLS = 2


async def test_events_that_a_killed_relay_sent_twice_take_effect_once(
    topics: str,
    database: Database,
    ledger_url: str,
    keys: list[str],
    group: str,
    start_python: Start,
    ends: Ends,
) -> None:
    for number in range(EVENTS):
        async with database.transaction() as session:
            emit(session, *(numbered(key, number) for key in keys))
    log = open_log(topics)
    before = await log.ends([OrderCompleted.topic])

    for _ in range(KILLS):
        relay = start_python(PROGRAM, ledger_url, topics)
        assert await ends(relay) == -signal.SIGKILL
        assert await outbox_size(database) == EVENTS * len(keys)

    survivor = Relay(ledger_url, source="/perennial/test", event_log=log, committed=asyncio.Event())
    consumer = Consumer(database, log, group, subscriptions())
    async with asyncio.TaskGroup() as group_of_tasks:
        group_of_tasks.create_task(survivor.run())
        group_of_tasks.create_task(consumer.run())

        async def all_applied() -> bool:
            found = await ledger(database)
            return sum(map(len, found.values())) >= EVENTS * len(keys)

        await until(all_applied, within=30)
        survivor.stop()
        consumer.stop()

    assert await outbox_size(database) == 0
    after = await log.ends([OrderCompleted.topic])
    ours = {Partition(OrderCompleted.topic, partition_of(key, len(after))) for key in keys}
    sent = sum(after[partition] - before[partition] for partition in ours)
    assert sent == EVENTS * len(keys) * (KILLS + 1), "the log has each event once for each relay"
    assert await ledger(database) == {key: list(range(EVENTS)) for key in keys}
    await log.close()
