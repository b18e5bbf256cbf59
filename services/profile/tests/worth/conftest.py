"""A shop's customers: events go in as its worker takes them, without the log; states come out."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest
import uuid_utils.compat as uuids

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import ValueChanged
from perennial_events.outbox import collected
from profile_service.handlers import subscriptions
from profile_service.settings import COST_OF_1000_MESSAGES
from profile_service.stages.rules import Thresholds
from profile_service.state.api import render
from profile_service.state.query import read_state
from profile_service.worth.rules import Costs
from profile_service.worth.service import review_expired, review_predicted
from profile_service.worth.thresholds import regrade, review_thresholds

COSTS = Costs(500, 400, COST_OF_1000_MESSAGES)


class Shop:
    """What is told here has been applied, and the clock's work is done when it is asked for."""

    def __init__(self, database: Database, clock: Any) -> None:
        self.database, self.clock = database, clock
        self._subscriptions = subscriptions(clock, Thresholds(30, 90, 180), COSTS)

    async def tell(
        self, *events: Event, at: datetime | None = None, imported: bool = False
    ) -> list[ValueChanged]:
        """Apply a batch; return what it led to."""
        batch = [
            Received(
                event, seal(event, source="/t", time=at or self.clock(), id=uuids.uuid7(), imported=imported)
            )
            for event in events
        ]  # fmt: skip
        async with self.database.transaction() as session:
            await self._subscriptions.apply(session, batch)
            return told(session)

    async def pass_time(self, **by: float) -> list[ValueChanged]:
        """Turn the clock and do what is due; return what that led to."""
        self.clock.turn(**by)
        led_to: list[ValueChanged] = []
        for due in (self._expired, self._predicted, review_thresholds, regrade):
            done = 1
            while done:
                async with self.database.transaction() as session:
                    done = await due(session, self.clock())
                    led_to += told(session)
        return led_to

    async def _expired(self, session: Any, now: datetime) -> int:
        return await review_expired(session, now, COSTS)

    async def _predicted(self, session: Any, now: datetime) -> int:
        return await review_predicted(session, now, COSTS)

    async def state(self, customer_id: str) -> dict[str, Any]:
        async with self.database.reading() as session:
            row = await read_state(session, customer_id, self.clock())
        return render(row, "EUR", self.clock()).model_dump(mode="json")

    async def grade(self, customer_id: str) -> tuple[str | None, str | None]:
        state = await self.state(customer_id)
        return state["value_segment"], state["value_tier"]


def told(session: Any) -> list[ValueChanged]:
    return [
        ValueChanged.model_validate_json(envelope.data)
        for envelope in collected(session)
        if envelope.type == ValueChanged.type
    ]


@pytest.fixture
async def shop(migrated_url: Any, clock: Any) -> AsyncIterator[Shop]:
    database = Database(await migrated_url("profile"), source="/perennial/profile")
    yield Shop(database, clock)
    await database.close()
