"""What a merged customer bought, gave back and viewed is the survivor's, until the merge is undone."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perennial_events import Database, Event, Received, seal
from perennial_events.identities import identities_of
from perennial_http import ServiceApp
from perennial_http.testing import served
from recommend_service.app import create
from recommend_service.facts.projection import RECOMMENDATIONS
from recommend_service.handlers import SUBSCRIPTIONS
from recommend_service.live.following import Live
from recommend_service.testing import (
    came_back,
    identified,
    merged,
    order,
    stitched,
    undone,
    unstitched,
    viewed,
)

CUSTOMERS = ("c-1", "c-2", "c-3", "c-4")
DEVICES = ("a-1", "a-2")
_CUSTOMERS, _DEVICES = st.sampled_from(CUSTOMERS), st.sampled_from(DEVICES)
IDENTITY_EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(merged, _CUSTOMERS, _CUSTOMERS),
    st.builds(undone, _CUSTOMERS, _CUSTOMERS),
    st.builds(identified, _DEVICES, _CUSTOMERS),
    st.builds(stitched, _DEVICES, _CUSTOMERS),
    st.builds(unstitched, _DEVICES, _CUSTOMERS),
)


@pytest.fixture(scope="module")
async def database(migrated_url: Any) -> Any:
    database = Database(await migrated_url("recommend"), source="/perennial/test")
    yield database
    await database.close()


async def test_recommendations_follow_a_merge_and_its_undoing(shop: Any) -> None:
    for number in range(2):
        await shop.tell(order(f"o-{number}", f"x-{number}", "mug", "tea", "pot", "cup"))
    await shop.tell(order("o-a", "c-a", "mug"), order("o-b", "c-b", "tea"))
    await shop.tell(came_back("o-a", "c-a", "cup"), viewed("c-a", "pot"), viewed("c-a", "fork"))
    asked = {"placement": "product", "sku": "pot", "strategy": "also_bought"}

    async def offered(customer_id: str) -> set[str]:
        return set(await shop.recommended(customer_id=customer_id, **asked))

    assert (await offered("c-a"), await offered("c-b")) == ({"tea"}, {"mug", "cup"})
    await shop.tell(merged("c-a", "c-b"))
    assert (await offered("c-a"), await offered("c-b")) == (set(), set())
    # The seeds are what the survivor saw and bought, under whatever id.
    home = await shop.answer(customer_id="c-b", strategy="also_bought")
    reasons = [(each["sku"], set(each["because"])) for each in home["data"]]
    assert reasons == [("pot", {"mug", "tea"})]
    await shop.tell(order("o-c", "c-a", "fork"), undone("c-a", "c-b"))
    assert (await offered("c-a"), await offered("c-b")) == ({"tea"}, {"mug", "cup"})


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(IDENTITY_EVENTS, min_size=1, max_size=5), max_size=8))
async def test_the_memory_knows_whose_an_identity_is_as_the_tables_do(
    database: Database, clock: Any, batches: Sequence[Sequence[Event]]
) -> None:
    """Also chains and rings of merges, and what leads into them; followed or loaded."""
    async with database.transaction() as session:
        await session.execute(text(f"TRUNCATE {', '.join(RECOMMENDATIONS.tables)}"))
    following = Live(database, clock, support=2)
    await following.catch_up()
    for batch in batches:
        sealed = [Received(e, seal(e, source="/perennial/test", time=clock())) for e in batch]
        async with database.transaction() as session:
            await SUBSCRIPTIONS.apply(session, sealed)
        await following.catch_up()
        loaded = Live(database, clock, support=2)
        await loaded.catch_up()
        for id in CUSTOMERS:
            async with database.reading() as session:
                theirs = await identities_of(session, id)
            for live in (following, loaded):
                assert live.memory.customer(id, None) == theirs[0]
                known = live.memory.identities(id, None)
                assert {live.memory.people.names[each] for each in known} | {id} == {*theirs, id}


async def test_a_replica_follows_a_merge_and_its_undoing_within_two_seconds(
    shop: Any, app: ServiceApp, clock: Any
) -> None:
    replica = create(app.runtime.settings.model_copy(update={"role": "api"}), clock)  # type: ignore[arg-type]  # the service's own settings
    await shop.tell(order("o-1", "c-1", "mug", "tea"), order("o-2", "c-2", "mug", "tea"))
    await shop.tell(order("o-a", "c-a", "tea"))

    async def offered(client: httpx.AsyncClient) -> list[str]:
        asked = {"customer_id": "c-b", "sku": "mug", "strategy": "also_bought"}
        answer = await client.get("/v1/recommendations", params=asked)
        return [each["sku"] for each in answer.json()["data"]]

    async with served(replica) as other:
        assert await offered(other) == ["tea"]
        for event, expected in ((merged("c-a", "c-b"), []), (undone("c-a", "c-b"), ["tea"])):
            await shop.tell(event)
            async with asyncio.timeout(2):
                while await offered(other) != expected:
                    await replica.runtime.database.wait_applied(0.05)
