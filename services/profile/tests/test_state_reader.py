"""States that are asked for at the same time: few statements, each caller their own answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from perennial_events import Database
from perennial_events.catalogue import CustomerRegistered
from profile_service.state.reading import AT_ONCE, MOST, StateReader


class Watched:
    """A database's readers, counted; they may be held back, or fail."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.used = self.most = self.now = 0
        self.opened = asyncio.Event()
        self.opened.set()
        self.failure: Exception | None = None

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[Any]:
        self.used += 1
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.opened.wait()
            if self.failure is not None:
                raise self.failure
            async with self._database.reader() as connection:
                yield connection
        finally:
            self.now -= 1


@pytest.fixture
def watched(app: Any) -> Watched:
    return Watched(app.runtime.database)


@pytest.fixture
def states(watched: Watched, clock: Any) -> StateReader:
    return StateReader(watched, clock)  # type: ignore[arg-type]  # only `reader` is asked for


@pytest.fixture
async def customers(tell: Any) -> list[str]:
    ids = [f"c-{number}" for number in range(3 * MOST)]
    await tell(*(CustomerRegistered(customer_id=id, kind="person") for id in ids))
    return ids


async def test_who_asks_together_is_answered_together(
    customers: list[str], states: StateReader, watched: Watched
) -> None:
    rows = await asyncio.gather(*map(states.read, [*customers, customers[0], "nobody"]))
    assert [row and row.customer_id for row in rows] == [*customers, customers[0], None]
    assert watched.used == 4
    assert watched.most <= AT_ONCE


async def test_one_who_goes_away_takes_nobody_along(
    customers: list[str], states: StateReader, watched: Watched
) -> None:
    watched.opened.clear()
    asking = [asyncio.create_task(states.read(id)) for id in customers[:3]]
    await asyncio.sleep(0)
    asking[0].cancel()
    watched.opened.set()
    gone, *rows = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(gone, asyncio.CancelledError)
    assert [row.customer_id for row in rows] == customers[1:3]  # type: ignore[union-attr]


async def test_a_failure_reaches_everyone_who_waits_and_is_over_then(
    customers: list[str], states: StateReader, watched: Watched
) -> None:
    watched.failure = ConnectionError("away")
    failed = await asyncio.gather(*map(states.read, customers[:3]), return_exceptions=True)
    assert all(isinstance(each, ConnectionError) for each in failed)
    watched.failure = None
    row = await states.read(customers[0])
    assert row is not None
    assert row.customer_id == customers[0]
