"""Somebody who was erased is nobody: to what is stored, to the memory, and after a restart."""

from typing import Any

from sqlalchemy import text

from perennial_events.timers import run_due
from perennial_http import ServiceApp
from perennial_http.privacy import sweep
from perennial_http.testing import served
from recommend_service.app import create
from recommend_service.holdings import HOLDINGS
from recommend_service.testing import erased, identified, merged, order, viewed

THEIRS: tuple[dict[str, Any], ...] = (
    {"customer_id": "c-b"},
    {"customer_id": "c-a"},
    {"anonymous_id": "a-1"},
)


async def a_life(shop: Any) -> None:
    """Of one person with two ids and a device, among others."""
    for number in range(3):
        await shop.append(order(f"o-{number}", f"x-{number}", "mug", "tea", "pot"))
        await shop.append(viewed(f"a-x{number}", "cup"), viewed(f"a-x{number}", "fork"))
    await shop.append(order("o-a", "c-a", "mug"), viewed("a-1", "cup"))
    await shop.tell(identified("a-1", "c-a"), merged("c-a", "c-b"))


async def recommended_to(shop: Any) -> list[Any]:
    return [await shop.recommended(**whose) for whose in THEIRS]


async def test_they_are_recommended_what_a_stranger_is(
    shop: Any, app: ServiceApp, clock: Any
) -> None:
    await a_life(shop)
    stranger = await shop.recommended(customer_id="nobody-yet")
    assert all(each != stranger for each in await recommended_to(shop))

    await shop.tell(erased("c-b", "c-a"))

    assert await recommended_to(shop) == [stranger] * 3
    restarted = create(app.runtime.settings.model_copy(update={"role": "api"}), clock)  # type: ignore[arg-type]  # the service's own settings
    async with served(restarted) as client:
        for whose in THEIRS:
            answer = await client.get("/v1/recommendations", params=whose)
            # Products are numbered as they are met, which decides between equal scores.
            assert {each["sku"] for each in answer.json()["data"]} == set(stranger)


async def test_no_decision_names_them(shop: Any, app: ServiceApp, clock: Any) -> None:
    await a_life(shop)
    database, decisions = app.runtime.database, app.state.decisions
    await recommended_to(shop)
    await decisions.write()
    named = text("SELECT count(*) FROM decisions WHERE identity IS NOT NULL")
    async with database.reading() as session:
        assert await session.scalar(named) == 3
    late = await shop.answer(customer_id="c-b")  # waits for the disk while they are erased

    await shop.tell(erased("c-b", "c-a"))
    async with database.reading() as session:
        assert await session.scalar(named) == 0
    await recommended_to(shop)
    await decisions.write()
    clock.turn(minutes=2)
    await run_due(database, sweep(HOLDINGS), clock())

    async with database.reading() as session:
        assert await session.scalar(named) == 0
    # Its places still teach: an answer can be told what became of it.
    outcome = {
        "recommendation_id": late["recommendation_id"],
        "outcomes": [{"sku": late["data"][0]["sku"], "kind": "clicked"}],
    }
    told = await shop.client.post("/v1/recommendations/outcomes", json=outcome)
    assert told.status_code == 200, told.text


async def test_the_export_has_all_that_is_held(shop: Any, app: ServiceApp) -> None:
    await a_life(shop)
    answer = await shop.answer(customer_id="c-b")
    outcome = {"sku": answer["data"][0]["sku"], "kind": "clicked"}
    body = {"recommendation_id": answer["recommendation_id"], "outcomes": [outcome]}
    assert (await shop.client.post("/v1/recommendations/outcomes", json=body)).status_code == 200
    exported = await shop.client.get("/v1/customers/c-b/personal-data")
    for table in ("aliases", "decisions", "outcomes", "views"):
        assert f'"table":"{table}"' in exported.text
