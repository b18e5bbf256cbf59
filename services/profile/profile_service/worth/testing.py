"""Support for tests: orders and returns in a few words, and a shop whose events are applied at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import (
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    ReturnLine,
    ReturnReceived,
    ValueChanged,
)
from perennial_events.outbox import collected
from profile_service.handlers import subscriptions
from profile_service.settings import COST_OF_1000_MESSAGES
from profile_service.stages.rules import Thresholds
from profile_service.state.api import render
from profile_service.state.reading import StateReader
from profile_service.worth.rules import Costs
from profile_service.worth.service import review_expired, review_predicted
from profile_service.worth.thresholds import review_base

COSTS = Costs(500, 400, COST_OF_1000_MESSAGES)


def bought(order_id: str, customer_id: str, total: int, cost: int | None = None) -> list[Event]:
    """A paid order of one mug, at this total."""
    line = OrderLine(sku="mug", quantity=1, unit_price=total, category="Kitchen")
    return placed_and_paid(order_id, customer_id, [line], total, cost)


def placed_and_paid(
    order_id: str, customer_id: str, lines: list[OrderLine], total: int, cost: int | None = None
) -> list[Event]:
    whose: dict[str, Any] = {"order_id": order_id, "customer_id": customer_id, "currency": "EUR"}
    return [
        OrderPlaced(
            **whose, lines=lines, items=total, discount=0, shipping=0, total=total,
            base_total=total, base_cost=cost,
        ),
        OrderPaid(**whose, amount=total, base_amount=total),
    ]  # fmt: skip


def sent_back(
    order_id: str, customer_id: str, amount: int, lines: list[ReturnLine], return_id: str = "r-1"
) -> list[Event]:
    """Goods came back and were paid back."""
    whose: dict[str, Any] = {
        "return_id": return_id, "order_id": order_id, "customer_id": customer_id, "lines": lines,
    }  # fmt: skip
    return [
        ReturnReceived(**whose, kind="refund"),
        OrderRefunded(**whose, currency="EUR", amount=amount, base_amount=amount),
    ]


class Shop:
    """What is told here has been applied, and the clock's work is done when it is asked for."""

    def __init__(self, database: Database, clock: Any) -> None:
        self.database, self.clock = database, clock
        self._subscriptions = subscriptions(clock, Thresholds(30, 90, 180), COSTS)

    async def tell(
        self, *events: Event, at: datetime | None = None, imported: bool = False
    ) -> list[ValueChanged]:
        """Something happened at once; returns what it led to."""
        time = at or self.clock()
        return await self.apply(
            [
                Received(event, seal(event, source="/t", time=time, imported=imported))
                for event in events
            ]
        )

    async def apply(self, batch: Sequence[Received[Event]]) -> list[ValueChanged]:
        async with self.database.transaction() as session:
            await self._subscriptions.apply(session, batch)
            return told(session)

    async def pass_time(self, **by: float) -> list[ValueChanged]:
        """Turn the clock and do what is due; return what that led to."""
        self.clock.turn(**by)
        led_to: list[ValueChanged] = []
        for due in (self._expired, self._predicted, review_base):
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
        row = await StateReader(self.database, self.clock).read(customer_id)
        return render(row, "EUR", self.clock()).model_dump(mode="json")

    async def measures(self, customer_id: str) -> dict[str, Any]:
        """What the grades go by, as it is stored."""
        statement = text("SELECT orders_365d, margin_365d FROM worth WHERE customer_id = :id")
        async with self.database.reading() as session:
            row = (await session.execute(statement, {"id": customer_id})).one_or_none()
        return {"orders_365d": 0, "margin_365d": 0} if row is None else dict(row._mapping)

    async def grade(self, customer_id: str) -> tuple[str | None, str | None]:
        state = await self.state(customer_id)
        return state["value_segment"], state["value_tier"]


def told(session: Any) -> list[ValueChanged]:
    return [
        ValueChanged.model_validate_json(envelope.data)
        for envelope in collected(session)
        if envelope.type == ValueChanged.type
    ]
