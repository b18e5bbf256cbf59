"""Aliases: wherever the events of merges and stitches come from, they end where the merges lead."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import (
    AnonymousIdRemoved,
    CustomersMerged,
    MergeUndone,
    VisitorIdentified,
)
from perennial_events.identities import (
    CREATE_ALIASES_V1,
    ends_of,
    follow_identities,
    identities_of,
    survivors_of,
)
from perennial_events.reordering import History, cut, interleaved
from perennial_events.testing import MakeDatabase
from perennial_events.values import utc_now

Merged = tuple[str, str, str]

CUSTOMERS = st.sampled_from(["a", "b", "c", "d", "e"])
VISITORS = st.sampled_from(["v", "w"])
STEPS = st.one_of(
    st.tuples(st.just("merge"), CUSTOMERS, CUSTOMERS),
    st.tuples(st.just("merge"), CUSTOMERS, CUSTOMERS),
    st.tuples(st.just("undo"), st.integers(0, 4), st.none()),
    st.tuples(st.just("identify"), VISITORS, CUSTOMERS),
    st.tuples(st.just("let go"), VISITORS, CUSTOMERS),
)


@dataclass
class Shop:
    """What really happened, in its order, as simply as it can be told."""

    standing: list[Merged] = field(default_factory=list)
    visits: dict[str, str | None] = field(default_factory=dict)
    told: list[Event] = field(default_factory=list)

    def survivor(self, id: str) -> str:
        while into := next((into for _, id_, into in self.standing if id_ == id), None):
            id = into
        return id

    def step(self, what: str, one: Any, other: Any) -> None:
        if what == "merge":
            one, other = self.survivor(one), self.survivor(other)
            if one != other:
                self.standing.append((f"m-{len(self.told)}", one, other))
                self.told.append(_told(CustomersMerged, self.standing[-1]))
        elif what == "undo":
            if self.standing:
                merged = self.standing.pop(one % len(self.standing))
                self.told.append(_told(MergeUndone, merged))
        elif what == "identify":
            self.visits[one] = other
            self.told.append(VisitorIdentified(anonymous_id=one, customer_id=other))
        else:
            self.visits[one] = None
            self.told.append(AnonymousIdRemoved(anonymous_id=one, customer_id=other))

    def undo_all(self) -> None:
        while self.standing:
            self.step("undo", 0, None)

    def aliases(self) -> dict[str, tuple[str | None, str | None]]:
        merges = {id: (into, self.survivor(id)) for _, id, into in self.standing}
        visits = {
            f"~{visitor}": (id, self.survivor(id) if id else None)
            for visitor, id in self.visits.items()
        }
        return {**merges, **visits}

    def received(self) -> list[Received[Any]]:
        began = datetime.fromisoformat("2026-03-02T12:00:00Z")
        return [
            Received(event, seal(event, source="/t", time=began + timedelta(seconds=second)))
            for second, event in enumerate(self.told)
        ]


def _told(event: type[CustomersMerged | MergeUndone], merged: Merged) -> Event:
    merge_id, customer_id, into_id = merged
    return event(merge_id=merge_id, customer_id=customer_id, into_id=into_id)


@pytest.fixture(scope="module")
async def database(postgres: Any) -> AsyncIterator[Database]:
    postgres.create_database("identities")
    database = Database(postgres.url("identities"), source="/perennial/test")
    async with database.transaction() as session:
        for statement in CREATE_ALIASES_V1:
            await session.execute(text(statement))
    yield database
    await database.close()


async def apply(database: Database, batches: Sequence[History]) -> dict[str, tuple[Any, Any]]:
    """The aliases after these batches, from nothing."""
    async with database.transaction() as session:
        await session.execute(text("TRUNCATE aliases"))
    for batch in batches:
        async with database.transaction() as session:
            await follow_identities(session, batch)
    return await aliases(database)


async def aliases(database: Database) -> dict[str, tuple[Any, Any]]:
    async with database.reading() as session:
        rows = await session.execute(text("SELECT identity, into_id, customer_id FROM aliases"))
        return {identity: (into, survivor) for identity, into, survivor in rows}


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, max_size=25), data=st.data())
async def test_aliases_end_where_the_merges_lead_in_whatever_order_they_come(
    database: Database, steps: list[Any], data: st.DataObject
) -> None:
    shop = Shop()
    for step in steps:
        shop.step(*step)
    history = shop.received()

    found = await apply(database, cut(data, interleaved(data, history)))

    assert found == shop.aliases()
    async with database.reading() as session:
        for id in "abcde":
            mine = {each for each, (_, survivor) in found.items() if survivor == shop.survivor(id)}
            identities = await identities_of(session, id)
            assert identities[0] == shop.survivor(id)
            assert sorted(identities) == sorted({shop.survivor(id), *mine})
        survivors = await survivors_of(session, list("abcde"))
        assert survivors == {id: shop.survivor(id) for id in "abcde"}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(STEPS, max_size=25), data=st.data())
async def test_undone_merges_leave_no_trace(
    database: Database, steps: list[Any], data: st.DataObject
) -> None:
    shop = Shop()
    for step in steps:
        shop.step(*step)
    shop.undo_all()
    history = shop.received()
    merges = (CustomersMerged, MergeUndone)
    never = [received for received in history if not isinstance(received.event, merges)]
    assert await apply(database, cut(data, interleaved(data, history))) == await apply(
        database, [never]
    )


@given(st.dictionaries(CUSTOMERS, st.none() | CUSTOMERS | st.sampled_from(["x", "y"])))
def test_ends_are_found_step_by_step(steps: Mapping[str, str | None]) -> None:
    def walked(id: str) -> str | None:
        at: str | None = id
        for _ in range(len(steps) + 1):
            if at is None or at not in steps:
                return at
            at = steps[at]
        return None

    assert ends_of(steps) == {id: walked(id) for id in steps}


def test_a_long_chain_is_walked_once() -> None:
    chain = {f"c-{n}": f"c-{n + 1}" for n in range(200_000)}
    assert set(ends_of(chain).values()) == {"c-200000"}


async def test_merges_and_stitches_of_two_members_at_once(
    make_database: MakeDatabase,
) -> None:
    """Each holds its rows uncommitted while the other looks: neither's ends may miss the other's."""
    database = Database(await make_database(CREATE_ALIASES_V1), source="/perennial/test")
    try:
        for number in range(20):
            a, b, c, v = (f"{letter}-{number}" for letter in "abcv")
            first = _told(CustomersMerged, (f"m-{number}", a, b))
            second = _told(CustomersMerged, (f"n-{number}", b, c))
            stitched = VisitorIdentified(anonymous_id=v, customer_id=a)
            await asyncio.gather(*(_follow(database, e) for e in (first, second, stitched)))
            found = await aliases(database)
            assert {found[each][1] for each in (a, b, f"~{v}")} == {c}
    finally:
        await database.close()


async def _follow(database: Database, event: Event) -> None:
    async with database.transaction() as session:
        await follow_identities(
            session, [Received(event, seal(event, source="/t", time=utc_now()))]
        )
        # The others get as far as they can before this one commits.
        for _ in range(3):
            await session.execute(text("SELECT 1"))
