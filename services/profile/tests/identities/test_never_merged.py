"""Random histories with merges, all undone in the end, leave what a history without them leaves."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import (
    Clicked,
    ComplaintOpened,
    ComplaintResolved,
    CustomersMerged,
    MergeUndone,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    VisitorIdentified,
)
from perennial_events.rebuild import checksum
from perennial_events.reordering import cut
from profile_service.handlers import subscriptions
from profile_service.stages.rules import Thresholds, standing
from profile_service.state.projection import CUSTOMER_STATE
from profile_service.state.query import read_states
from profile_service.worth.rules import Costs

Steps = Sequence[tuple[str, str, str]]

CUSTOMERS = st.sampled_from(["a", "b", "c", "d"])
STEPS = st.tuples(
    st.sampled_from(["merge", "merge", "undo", "order", "click", "visit", "identify", "complain"]),
    CUSTOMERS,
    CUSTOMERS,
)
DAYS = Thresholds(new=30, active=90, lapsed=180)
DAYS_APART = st.integers(0, 60)


class History:
    """Events of a few customers, and who is whom in the end, as simply as it can be told."""

    def __init__(self, clock: Any) -> None:
        self.at = clock() - timedelta(days=400)
        self.standing: list[tuple[str, str]] = []
        self.received: list[Received[Any]] = []
        self.facts: list[tuple[str, str]] = []
        """What is whose: the customer, or the visitor, that was named, and the kind of fact."""
        self.visits: dict[str, str] = {}
        self.bought: list[tuple[str, datetime]] = []

    def survivor(self, id: str) -> str:
        while into := dict(self.standing).get(id):
            id = into
        return id

    def tell(self, *events: Event) -> None:
        self.received += [Received(e, seal(e, source="/t", time=self.at)) for e in events]

    def step(self, what: str, one: str, other: str, days: int) -> None:
        self.at += timedelta(days=days, seconds=1)
        number = str(len(self.received))
        if what == "merge":
            self._merge(self.survivor(one), self.survivor(other))
        elif what == "undo":
            self._undo([pair for pair in self.standing if one in pair][:1])
        elif what == "order":
            self.facts.append((one, what))
            self.bought.append((one, self.at))
            self.tell(*_bought(f"o-{number}", one))
        elif what == "complain":
            self.facts.append((one, what))
            self.tell(*_complained(f"k-{number}", one, resolved=one < other))
        elif what == "identify":
            self.visits[f"~v-{one}"] = other
            self.tell(VisitorIdentified(anonymous_id=f"v-{one}", customer_id=other))
        else:
            visit = what == "visit"
            self.facts.append((f"~v-{one}" if visit else one, "click"))
            who: dict[str, Any] = {"anonymous_id": f"v-{one}"} if visit else {"customer_id": one}
            self.tell(Clicked(name="page_viewed", **who))

    def _merge(self, one: str, other: str) -> None:
        if one != other:
            self.standing.append((one, other))
            self.tell(CustomersMerged(merge_id=f"m-{one}", customer_id=one, into_id=other))

    def _undo(self, pairs: Sequence[tuple[str, str]]) -> None:
        for one, other in pairs:
            self.standing.remove((one, other))
            self.tell(MergeUndone(merge_id=f"m-{one}", customer_id=one, into_id=other))

    def undo_all(self) -> None:
        self._undo(list(self.standing))

    def stage(self, id: str, now: datetime) -> str:
        """The stage by the orders of all who are this customer."""
        mine = [at for who, at in self.bought if self.survivor(who) == self.survivor(id)]
        return standing(mine, now, DAYS).stage

    def count(self, id: str, kind: str) -> int:
        """How many facts of a kind are this customer's."""
        return sum(
            each == kind and self.survivor(self.visits.get(named, named)) == self.survivor(id)
            for named, each in self.facts
        )


def _bought(order_id: str, customer_id: str) -> tuple[Event, Event]:
    placed = OrderPlaced(
        order_id=order_id,
        customer_id=customer_id,
        currency="EUR",
        lines=[OrderLine(sku="mug", quantity=1, unit_price=100)],
        items=100,
        discount=0,
        shipping=0,
        total=100,
        base_total=100,
    )
    paid = OrderPaid(
        order_id=order_id, customer_id=customer_id, currency="EUR", amount=100, base_amount=100
    )
    return placed, paid


def _complained(complaint_id: str, customer_id: str, *, resolved: bool) -> list[Event]:
    about: Any = {"case_id": complaint_id, "customer_id": customer_id, "category": "other"}
    opened = ComplaintOpened(**about, complaint_id=complaint_id, severity="minor", channel="email")
    return [opened, *([ComplaintResolved(**about)] if resolved else [])]


@pytest.fixture(scope="module")
async def database(migrated_url: Any) -> AsyncIterator[Database]:
    database = Database(await migrated_url("profile"), source="/perennial/test")
    yield database
    await database.close()


async def apply(database: Database, clock: Any, batches: Sequence[Sequence[Any]]) -> None:
    """Let the service hear these batches, from nothing."""
    heard = subscriptions(clock, DAYS, Costs(0, 0, {}))
    async with database.transaction() as session:
        tables = (*CUSTOMER_STATE.tables, "stages", "worth", "customers")
        await session.execute(text(f"TRUNCATE {', '.join(tables)} CASCADE"))
    for batch in batches:
        async with database.transaction() as session:
            await heard.apply(session, batch)


async def remains(database: Database) -> dict[str, Any]:
    """Checksums of what follows from the log, and where every customer stands."""
    async with database.reading() as session:
        found: dict[str, Any] = {
            table: await checksum(session, table) for table in CUSTOMER_STATE.tables
        }
        stages = await session.execute(
            text(
                "SELECT customer_id, stage, won_back, due_at FROM stages WHERE stage <> 'prospect'"
                " ORDER BY customer_id"
            )
        )
        found["stages"] = stages.all()
    return found


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.tuples(STEPS, DAYS_APART), max_size=30), data=st.data())
async def test_undone_merges_leave_no_trace(
    database: Database, clock: Any, steps: list[tuple[Any, int]], data: st.DataObject
) -> None:
    history = History(clock)
    for step, days in steps:
        what, one, other = step
        history.step(what, one, other, days)
    await apply(database, clock, cut(data, history.received))
    async with database.reader() as connection:
        for id, state in (await read_states(connection, ["a", "b", "c", "d"], clock())).items():
            assert state.customer_id == history.survivor(id)
            assert state.stage == history.stage(id, clock())
            seen = {
                "order": state.order_count,
                "complain": state.complaints,
                "click": state.clicks,
            }
            assert seen == {kind: history.count(id, kind) for kind in seen}

    history.undo_all()
    merges = (CustomersMerged, MergeUndone)
    never = [each for each in history.received if not isinstance(each.event, merges)]
    await apply(database, clock, cut(data, history.received))
    merged = await remains(database)
    await apply(database, clock, [never])
    assert merged == await remains(database)
