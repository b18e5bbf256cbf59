"""Models in memory: after a restart, in a second replica, after a fit, they say the same."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from perennial_events import Log
from perennial_http import ServiceApp
from perennial_http.testing import served
from recommend_service.app import create
from recommend_service.fitting.service import fit, fit_if_due
from recommend_service.live.following import Live
from recommend_service.testing import (
    came_back,
    cancelled,
    identified,
    order,
    product,
    viewed,
)

ASKED: list[dict[str, Any]] = [
    {"customer_id": "c-1"},
    {"anonymous_id": "a-2"},
    {"placement": "product", "sku": "s-1"},
    {"placement": "cart", "sku": ["s-1", "s-2"], "customer_id": "c-3"},
    {"strategy": "trending", "limit": 50},
    {"strategy": "also_bought", "sku": "s-3", "limit": 50},
    {"strategy": "also_viewed", "sku": "s-3", "limit": 50},
    {"strategy": "repeat", "customer_id": "c-2"},
]


async def a_history(shop: Any, clock: Any) -> None:
    for n in range(40):
        clock.turn(hours=7)
        await shop.append(
            *(viewed(f"a-{n % 5}", f"s-{(n * m) % 13}") for m in range(1, 6)),
            viewed(f"a-{n % 5}", f"s-{n % 13}", "product_added"),
            order(f"o-{n}", f"c-{n % 4}", f"s-{n % 5}", f"s-{n % 3}", f"s-{n % 7}"),
        )
    await shop.append(
        cancelled("o-3", "c-3"),
        came_back("o-4", "c-0", "s-4"),
        identified("a-1", "c-1"),
        product("s-2", available=False),
        product("s-5", category="kind", price=100),
    )
    await shop.tell(order("o-large", "c-1", *(f"s-{n}" for n in range(70))))


async def answers(client: httpx.AsyncClient) -> list[Any]:
    found = []
    for asked in ASKED:
        answer = await client.get("/v1/recommendations", params=asked)
        assert answer.status_code == 200, answer.text
        found.append([(each["sku"], each["because"]) for each in answer.json()["data"]])
    return found


@pytest.fixture
def replica(app: ServiceApp, clock: Any) -> ServiceApp:
    """A second process of the service, that only answers."""
    settings = app.runtime.settings.model_copy(update={"role": "api"})
    return create(settings, clock)  # type: ignore[arg-type]  # the service's own settings


async def test_what_is_loaded_is_what_was_followed(
    shop: Any, app: ServiceApp, replica: ServiceApp, clock: Any, client: httpx.AsyncClient
) -> None:
    await a_history(shop, clock)
    await app.state.live.catch_up()
    followed = await answers(client)
    assert sum(map(len, followed)) > 30
    async with served(replica) as other:
        loaded = await answers(other)
    by_name = zip(ASKED, loaded, followed, strict=True)
    for asked, new, old in by_name:
        # Products are numbered as they are met, which decides between equal scores.
        assert sorted(sku for sku, _ in new) == sorted(sku for sku, _ in old), asked


async def test_replicas_agree_within_two_seconds(
    shop: Any, replica: ServiceApp, client: httpx.AsyncClient
) -> None:
    async with served(replica) as other:
        assert (await other.get("/v1/recommendations")).json()["data"] == []
        await shop.tell(viewed("a1", "tea"))
        rule = {"action": "pin", "field": "sku", "value": "tea"}
        assert (await client.put("/v1/recommendation-rules/r-1", json=rule)).status_code == 200
        async with asyncio.timeout(2):
            while not (await other.get("/v1/recommendations")).json()["data"]:
                await replica.runtime.database.wait_applied(0.05)


async def test_nothing_is_missed_while_transactions_overlap(shop: Any, app: ServiceApp) -> None:
    """A transaction that began before a look and ends after it is told of in the next one."""
    live: Live = app.state.live
    database = app.runtime.database
    from recommend_service.facts.projection import write_journal  # noqa: PLC0415 - only here

    async with database.transaction() as early:
        await write_journal(early, {"views": [["~a1", "early", 0.0, False]]})
        async with database.transaction() as late:
            await write_journal(late, {"views": [["~a1", "late", 0.0, False]]})
        await live.catch_up()
        assert live.memory.skus.names == ["late"]
    await live.catch_up()
    assert live.memory.skus.names == ["late", "early"]
    await live.catch_up()
    assert live.memory.models.trend.now().scores.tolist() == [1.0, 1.0]


async def test_a_fit_is_made_in_its_own_process_and_taken_over(
    shop: Any, app: ServiceApp, clock: Any
) -> None:
    settings = app.runtime.settings
    assert not await fit_if_due(app.runtime.database, settings.database_url)
    await a_history(shop, clock)
    assert await fit_if_due(app.runtime.database, settings.database_url)
    assert not await fit_if_due(app.runtime.database, settings.database_url)
    await app.state.live.catch_up()
    answer = await shop.answer(customer_id="c-2", strategy="for_you")
    assert answer["model"]["version"] == 1
    assert answer["data"]
    assert all(each["because"] for each in answer["data"])
    models = (await shop.client.get("/v1/models")).json()
    assert models["fit"]["interactions"] >= 240
    assert not await fit("postgresql+asyncpg://nobody@localhost:1/nowhere")


async def test_a_visitors_third_click_changes_their_home_page(shop: Any, clock: Any) -> None:
    for n in range(30):
        family = ("tea", "mug", "sock")[n % 3]
        await shop.append(*(viewed(f"a-{n}", f"{family}-{m % 4}") for m in range(n, n + 4)))
        await shop.append(*(viewed(f"a-x{n}", "hit") for _ in range(2)))
    clock.turn(hours=2)
    await shop.append(*(viewed("a-new", f"sock-{m}") for m in range(2)))
    await shop.tell(viewed("a-new", "sock-2"))
    best = await shop.recommended(anonymous_id="a-new", limit=3)
    assert set(best) == {"sock-0", "sock-1", "sock-3"}


async def test_old_views_are_let_go_of_and_do_not_come_back(
    shop: Any, app: ServiceApp, platform_log: Log, clock: Any
) -> None:
    from recommend_service.facts.pruning import forget_journal, forget_views  # noqa: PLC0415

    await shop.tell(viewed("a1", "tea"), at=clock() - timedelta(days=10))
    async with app.runtime.database.transaction() as session:
        assert await forget_views(400)(session, clock()) == 0
        assert await forget_views(5)(session, clock()) == 1
        assert await forget_journal(session, clock()) == 0
    await shop.tell(viewed("a1", "mug"), at=clock() - timedelta(days=7))
    async with app.runtime.database.transaction() as session:
        assert await forget_views(5)(session, clock()) == 0
