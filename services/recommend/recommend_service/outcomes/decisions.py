"""What was recommended to whom, written down a little later: an answer does not wait for the disk."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import structlog

from perennial_events import Database, driver
from perennial_events.errors import is_transient

log = structlog.get_logger("decisions")

WRITE_SECONDS = 0.5
_TURN = 20
"""After so many rows requests get their turn."""
MOST_WAITING = 20_000
"""While the database is away; what is beyond them is not learnt from."""

_COLUMNS = (
    "decision_id",
    "at",
    "placement",
    "identity",
    "skus",
    "strategies",
    "exploring",
    "propensities",
    "holdout",
)


class Decision(NamedTuple):
    """One answer: what stood in which place, drawn with which probability."""

    decision_id: UUID
    at: datetime
    placement: str
    identity: str | None
    skus: Sequence[str]
    strategies: Sequence[str]
    exploring: bool
    propensities: Sequence[float]
    holdout: bool


class Decisions:
    """Collects decisions, and writes them twice a second."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Decision] = []
        self._writing = asyncio.Lock()

    def add(self, decision: Decision) -> None:
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(decision)

    async def keep_writing(self) -> None:
        """Until cancelled."""
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            await self.write()

    async def write(self) -> None:
        """Return when all that was added is written; it is kept where the database is away."""
        async with self._writing:
            await self._write()

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            async with self._database.transaction() as session:
                connection = await driver(session)
                await connection.copy_records_to_table(
                    "decisions", records=_in_turns(waiting), columns=_COLUMNS
                )
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("decisions wait", error=str(error)[:200])
            self._waiting = [*waiting, *self._waiting][:MOST_WAITING]


async def _in_turns(waiting: Sequence[Decision]) -> AsyncIterator[Decision]:
    """All of them, with requests answered in between."""
    for place, decision in enumerate(waiting):
        if place % _TURN == 0:
            await asyncio.sleep(0)
        yield decision
