"""The facts end the same, however the events come: cut, interleaved, again from the start."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import CustomersMerged, MergeUndone
from perennial_events.rebuild import Rebuild, checksum
from perennial_events.reordering import History, cut, interleaved
from recommend_service.facts.projection import RECOMMENDATIONS
from recommend_service.handlers import SUBSCRIPTIONS
from recommend_service.recommendations.service import GROUP
from recommend_service.testing import (
    came_back,
    cancelled,
    complained,
    identified,
    merged,
    order,
    product,
    refunded,
    stitched,
    undone,
    unstitched,
    viewed,
)

SKUS = st.sampled_from(["mug", "tea", "milk", "honey", "cake"])
CUSTOMERS = st.sampled_from(["c-1", "c-2", "c-3"])
VISITORS = st.sampled_from(["a-1", "a-2", "c-1", "c-2"])
# An order belongs to one customer.
ORDERS = st.sampled_from([("o-1", "c-1"), ("o-2", "c-1"), ("o-3", "c-2"), ("o-4", "c-3")])

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(viewed, VISITORS, SKUS, st.sampled_from(["product_viewed", "product_added"])),
    st.builds(viewed, VISITORS, SKUS),
    st.builds(
        lambda whose, skus: order(*whose, *skus), ORDERS, st.lists(SKUS, min_size=1, max_size=6)
    ),
    st.builds(lambda whose: cancelled(*whose), ORDERS),
    st.builds(lambda whose, sku: came_back(*whose, sku), ORDERS, SKUS),
    st.builds(lambda whose, sku: refunded(*whose, sku), ORDERS, SKUS),
    st.builds(complained, CUSTOMERS, SKUS),
    st.builds(identified, st.sampled_from(["a-1", "a-2"]), CUSTOMERS),
    st.builds(stitched, st.sampled_from(["a-1", "a-2"]), CUSTOMERS),
    st.builds(unstitched, st.sampled_from(["a-1", "a-2"]), CUSTOMERS),
    st.builds(merged, CUSTOMERS, CUSTOMERS),
    st.builds(undone, CUSTOMERS, CUSTOMERS),
    st.builds(lambda sku, available: product(sku, available=available), SKUS, st.booleans()),
)
HISTORIES = st.lists(st.tuples(EVENTS, st.integers(0, 90)), min_size=1, max_size=40)


@pytest.fixture(scope="module")
async def database(migrated_url: Any) -> Any:
    database = Database(await migrated_url("recommend"), source="/perennial/test")
    yield database
    await database.close()


async def apply(database: Database, batches: Sequence[History]) -> dict[str, str]:
    """The checksums of the tables after these batches, from nothing."""
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(RECOMMENDATIONS.tables)}"))
    for batch in batches:
        async with database.transaction() as session:
            await SUBSCRIPTIONS.apply(session, batch)
    async with database.reading() as session:
        return {table: await checksum(session, table) for table in RECOMMENDATIONS.tables}


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=HISTORIES, data=st.data())
async def test_cuts_and_the_order_of_topics_make_no_difference(
    database: Database, clock: Any, told: list[tuple[Event, int]], data: st.DataObject
) -> None:
    history = []
    for event, minutes in told:
        at = clock() + timedelta(minutes=minutes)
        history.append(Received(event, seal(event, source="/perennial/test", time=at)))

    at_once = await apply(database, [history])

    assert await apply(database, [[received] for received in history]) == at_once
    assert await apply(database, cut(data, interleaved(data, history))) == at_once


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=HISTORIES)
async def test_undone_merges_leave_no_trace(
    database: Database, clock: Any, told: list[tuple[Event, int]]
) -> None:
    merges = (CustomersMerged, MergeUndone)
    events = [event for event, _ in told]
    events += [undone(customer, "c-1") for customer in ("c-1", "c-2", "c-3")]
    history = [Received(e, seal(e, source="/perennial/test", time=clock())) for e in events]
    never = [received for received in history if not isinstance(received.event, merges)]
    assert await apply(database, [[each] for each in history]) == await apply(database, [never])


async def test_a_cancellation_before_its_order(database: Database, clock: Any) -> None:
    story = [
        Received(event, seal(event, source="/perennial/test", time=clock()))
        for event in (order("o-1", "c-1", "mug", "tea"), cancelled("o-1", "c-1"))
    ]
    in_order = await apply(database, [story[:1], story[1:]])
    assert await apply(database, [story[1:], story[:1]]) == in_order


async def test_what_was_told_counts(database: Database, clock: Any) -> None:
    """The tables themselves, once: the other tests only compare them."""
    events = [
        order("o-1", "c-1", "tea", "mug", "tea"),
        viewed("a-1", "tea"),
        viewed("a-1", "mug", "product_added"),
        viewed("a-1", "tea"),
        identified("a-1", "c-1"),
        came_back("o-1", "c-1", "mug"),
        complained("c-1", "milk"),
        product("tea", available=False),
    ]
    await apply(database, [[Received(e, seal(e, source="/t", time=clock())) for e in events]])
    at = clock()
    expected: dict[str, list[tuple[Any, ...]]] = {
        "products": [("tea", False, "tea", None, None, None, at)],
        "aliases": [("~a-1", "c-1", at, "c-1")],
        "baskets": [("o-1", "c-1", ["tea", "mug"], at, False)],
        "rejections": [("c-1", "milk"), ("c-1", "mug")],
        "views": [
            ("~a-1", "mug", at, True),
            ("~a-1", "tea", at, False),
            ("~a-1", "tea", at, False),
        ],
    }
    assert set(expected) == set(RECOMMENDATIONS.tables)
    async with database.transaction() as session:
        for table, rows in expected.items():
            found = await session.execute(text(f"TABLE {table} ORDER BY 1, 2"))
            assert [tuple(row) for row in found] == rows


async def test_a_rebuild_ends_equal_while_events_keep_arriving(shop: Any, clock: Any) -> None:
    async def browse(first: int) -> None:
        for n in range(first, first + 300, 10):
            clock.turn(minutes=7)
            events = [
                event
                for m in range(n, n + 10)
                for event in (
                    viewed(f"a-{m % 17}", f"s-{m % 7}"),
                    viewed(f"a-{m % 17}", f"s-{m % 11}", "product_added"),
                    order(f"o-{m}", f"c-{m % 13}", f"s-{m % 7}", f"s-{m % 5}", f"s-{m % 3}"),
                    identified(f"a-{m % 17}", f"c-{m % 5}"),
                )
            ]
            await shop.append(
                *events, *(cancelled(f"o-{m}", f"c-{m % 13}") for m in range(n, n + 3))
            )

    await browse(0)
    await shop.tell(product("s-1", available=False))
    arriving = asyncio.create_task(browse(300))

    rebuilt = await Rebuild(shop.database, shop.log, GROUP, RECOMMENDATIONS).run()

    assert rebuilt.equal
    assert set(rebuilt.checksums) == set(RECOMMENDATIONS.tables)
    await arriving
    await shop.tell(product("s-2"))
    assert (await Rebuild(shop.database, shop.log, GROUP, RECOMMENDATIONS).run()).equal
    assert "s-1" not in await shop.recommended(limit=50)
    assert len(await shop.recommended(limit=50)) == 10
