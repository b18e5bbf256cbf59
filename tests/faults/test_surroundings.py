"""Faults that kill nobody: a clock that moves, a connection cut amid a round trip."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from perennial_events import Database, open_log, seal, utc_now
from perennial_events.consumer import Consumer
from perennial_events.errors import is_permanent, is_transient
from perennial_http.testing import until
from tests.faults.ledger import ledger, numbered, sealed, subscriptions


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection"),
        ConnectionRefusedError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_lost_database_is_waited_for_and_parks_nothing(error: Exception) -> None:
    assert is_transient(error)
    assert not is_permanent(error)


async def test_a_clock_that_jumps_neither_drops_nor_doubles_an_event(
    topics: str, database: Database, keys: list[str], group: str
) -> None:
    """The facts' times go back a year and ahead a day; what decides is their place in the log."""
    log = open_log(topics)
    consumer = Consumer(database, log, group, subscriptions())
    jumps = [timedelta(), timedelta(days=-365), timedelta(days=1), timedelta(hours=-1)]
    events = [
        seal(numbered(key, number), source="/perennial/test", time=utc_now() + jump)
        for number, jump in enumerate(jumps)
        for key in keys
    ]
    await log.append(events)
    # A relay whose clock has moved sends some of them again, and then goes on.
    await log.append(events[: len(events) // 2])
    await log.append([sealed(key, len(jumps)) for key in keys])
    running = asyncio.create_task(consumer.run())

    async def all_applied() -> bool:
        return sum(map(len, (await ledger(database)).values())) >= len(keys) * (len(jumps) + 1)

    await until(all_applied, within=30)
    consumer.stop()
    await running
    assert await ledger(database) == {key: list(range(len(jumps) + 1)) for key in keys}
    await log.close()
