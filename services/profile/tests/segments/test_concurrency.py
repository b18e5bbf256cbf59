"""Two of everything: workers beside each other, and events while everybody is looked at."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import Clicked, ComplaintOpened
from perennial_http.testing import until
from profile_service.customers.service import meet_customers
from profile_service.segments.clauses import read_rule
from profile_service.segments.membership import (
    follow_events,
    follow_rules,
    follow_time,
    hold_rules,
)
from profile_service.segments.service import put_segment, remove_segment
from profile_service.state.facts import customers_of
from profile_service.state.projection import project

VIEWED = {"event": "product_viewed"}
BOTH = {"all": [VIEWED, {"event": "complaint_opened"}]}

Batch = list[Received[Event]]


@pytest.fixture
async def database(migrated_url: Any) -> AsyncIterator[Database]:
    database = Database(await migrated_url("profile"), source="/perennial/test")
    yield database
    await database.close()


def received(event: Event, clock: Any) -> Received[Event]:
    return Received(event, seal(event, source="/perennial/test", time=clock()))


def viewed(clock: Any, customer: str = "c-1") -> Received[Event]:
    return received(Clicked(name="product_viewed", customer_id=customer), clock)


def complained(clock: Any) -> Received[Event]:
    complaint = ComplaintOpened(
        complaint_id="k", case_id="k", customer_id="c-1", category="other", severity="minor",
        channel="web",
    )  # fmt: skip
    return received(complaint, clock)


async def apply(session: AsyncSession, batch: Batch, clock: Any) -> None:
    await project(session, batch)
    await meet_customers(session, customers_of(batch))
    await follow_events(session, batch, clock())


async def put(database: Database, id: str, rule: dict[str, Any], clock: Any) -> None:
    async with database.transaction() as session:
        await hold_rules(session)
        await put_segment(session, id, id, read_rule(json.dumps(rule)), clock())


async def run(database: Database, work: Any, clock: Any) -> int:
    """Do all of a timer's work, as its worker would."""
    done = 0
    while True:
        async with database.transaction() as session:
            found = await work(session, clock())
        if not found:
            return done
        done += found


async def members(database: Database, id: str = "this") -> list[str]:
    async with database.reading() as session:
        rows = await session.scalars(
            text("SELECT customer_id FROM segment_members WHERE segment_id = :id ORDER BY 1"),
            {"id": id},
        )
        return list(rows)


async def told(database: Database, published: Any) -> list[str]:
    """Facts about members, in the order in which they go to the log."""
    names = [each.type.split(".")[2] for each in await published(database)]
    return [each for each in names if each in ("segment_entered", "segment_left")]


async def test_of_two_halves_the_second_sees_both(
    database: Database, clock: Any, published: Any
) -> None:
    """Two workers hold a customer's clicks and complaints; neither sees what the other has not committed."""
    async with database.transaction() as session:
        await meet_customers(session, ["c-1"])
    await put(database, "this", BOTH, clock)
    await run(database, follow_rules, clock)
    projected = asyncio.Barrier(2)

    async def worker(batch: Batch) -> None:
        async with database.transaction() as session:
            await project(session, batch)
            await projected.wait()
            await follow_events(session, batch, clock())

    await asyncio.gather(worker([viewed(clock)]), worker([complained(clock)]))

    assert await members(database) == ["c-1"]
    assert await told(database, published) == ["segment_entered"]


async def test_an_event_while_everybody_is_looked_at_is_not_lost(
    database: Database, clock: Any, published: Any
) -> None:
    async with database.transaction() as session:
        await apply(session, [viewed(clock, "c-0")], clock)
    await put(database, "this", VIEWED, clock)
    async with database.transaction() as looking:
        await follow_rules(looking, clock())
        # It has seen everybody and not committed: what comes now is applied without waiting for it.
        async with asyncio.timeout(5), database.transaction() as session:
            await apply(session, [viewed(clock)], clock)
    assert await members(database) == ["c-0"]

    await run(database, follow_time, clock)

    assert await members(database) == ["c-0", "c-1"]
    assert await told(database, published) == ["segment_entered"] * 2


async def test_a_rule_that_changes_while_it_is_computed_is_computed_again(
    database: Database, clock: Any
) -> None:
    async with database.transaction() as session:
        await apply(session, [viewed(clock)], clock)
    await put(database, "this", VIEWED, clock)
    await put(database, "that", {"segment": "this"}, clock)
    await run(database, follow_rules, clock)
    await put(database, "that", {"not": {"segment": "this"}}, clock)
    async with database.transaction() as holding:
        # The computation has looked, and waits for this row: it wants to have the member leave.
        await holding.execute(
            text("SELECT FROM segment_members WHERE segment_id = 'that' FOR UPDATE")
        )
        computing = asyncio.create_task(run(database, follow_rules, clock))
        await until(lambda: waiting(database))
        await put(database, "this", {"not": VIEWED}, clock)
    await computing
    await run(database, follow_rules, clock)
    assert (await members(database), await members(database, "that")) == ([], ["c-1"])


async def waiting(database: Database) -> bool:
    """Whether some transaction waits for another one's row."""
    async with database.reading() as session:
        return bool(
            await session.scalar(
                text(
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                    " AND datname = current_database())"
                )
            )
        )


async def test_two_workers_look_at_the_same_time_and_tell_once(
    database: Database, clock: Any, published: Any
) -> None:
    await put(database, "this", {**VIEWED, "within": "7d"}, clock)
    await put(database, "that", VIEWED, clock)
    async with database.transaction() as session:
        await apply(session, [viewed(clock, f"c-{n}") for n in range(40)], clock)
    works = [follow_rules, follow_time] * 3
    await asyncio.gather(*(run(database, work, clock) for work in works))
    await run(database, follow_rules, clock)
    await run(database, follow_time, clock)
    assert len(await members(database)) == 40
    assert await told(database, published) == ["segment_entered"] * 80
    clock.now += timedelta(days=7)
    await asyncio.gather(*(run(database, follow_time, clock) for _ in range(4)))
    assert await members(database) == []
    assert await told(database, published) == ["segment_entered"] * 80 + ["segment_left"] * 40


async def test_what_waits_to_be_told_goes_before_what_comes_after_it(
    database: Database, clock: Any, published: Any
) -> None:
    async with database.transaction() as session:
        await apply(session, [viewed(clock)], clock)
    await put(database, "this", {"not": {"event": "complaint_opened"}}, clock)
    await run(database, follow_rules, clock)
    async with database.transaction() as session:
        await apply(session, [complained(clock)], clock)
    assert await told(database, published) == ["segment_entered", "segment_left"]
    await run(database, follow_time, clock)
    assert await told(database, published) == ["segment_entered", "segment_left"]


async def test_a_removed_segment_leaves_nothing_behind(
    database: Database, clock: Any, published: Any
) -> None:
    await put(database, "this", {**VIEWED, "within": "7d"}, clock)
    await run(database, follow_rules, clock)
    async with database.transaction() as session:
        await apply(session, [viewed(clock)], clock)
    async with database.transaction() as session:
        await hold_rules(session)
        await remove_segment(session, "this", clock())
    async with database.transaction() as session:
        await apply(session, [viewed(clock, "c-2")], clock)
    await run(database, follow_rules, clock)
    await run(database, follow_time, clock)
    assert await told(database, published) == ["segment_entered", "segment_left"]
    async with database.reading() as session:
        for table in ("segments", "segment_members", "segment_dues", "segment_changes"):
            assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 0


async def test_a_segment_is_made_again_while_the_removed_one_is_cleared_away(
    database: Database, clock: Any
) -> None:
    await put(database, "this", VIEWED, clock)
    async with database.transaction() as session:
        await hold_rules(session)
        await remove_segment(session, "this", clock())
    async with database.transaction() as clearing:
        await follow_rules(clearing, clock())
        # It has deleted the row and not committed.
        putting = asyncio.create_task(put(database, "this", VIEWED, clock))
        await until(lambda: waiting(database))
    await putting
    async with database.transaction() as session:
        await apply(session, [viewed(clock)], clock)
    await run(database, follow_rules, clock)
    assert await members(database) == ["c-1"]


async def test_a_merged_customer_leaves_and_the_other_takes_over(
    database: Database, clock: Any
) -> None:
    await put(database, "this", {**VIEWED, "count": {"op": ">=", "value": 2}}, clock)
    await run(database, follow_rules, clock)
    async with database.transaction() as session:
        await apply(session, [viewed(clock, "c-2"), viewed(clock, "c-2"), viewed(clock)], clock)
    assert await members(database) == ["c-2"]
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO aliases VALUES ('c-2', 'c-1', now())"))
        await apply(session, [viewed(clock, "c-2")], clock)
    assert await members(database) == ["c-1"]
