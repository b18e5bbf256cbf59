"""Rules of the shop, outcomes, and what follows from them."""

from typing import Any

import pytest
from sqlalchemy import text

from perennial_http import ServiceApp
from recommend_service.outcomes.service import forget_old, learn_weights
from recommend_service.testing import order, product, viewed


async def a_shop(shop: Any) -> None:
    await shop.tell(
        *(product(f"s-{n}", category="even" if n % 2 == 0 else "odd") for n in range(6)),
        *(viewed(f"a{n}", f"s-{m}") for n in range(6) for m in range(6 - n)),
    )


async def put(shop: Any, rule_id: str, **body: Any) -> Any:
    return await shop.client.put(f"/v1/recommendation-rules/{rule_id}", json=body)


@pytest.fixture
def ruled(shop: Any, app: ServiceApp) -> Any:
    async def make(action: str, field: str, value: str, **more: Any) -> None:
        made = await put(shop, f"{action}-{value}", action=action, field=field, value=value, **more)
        assert made.status_code == 200, made.text
        await app.state.live.catch_up()

    return make


async def test_rules_win(shop: Any, ruled: Any, clock: Any) -> None:
    await a_shop(shop)
    assert await shop.recommended(limit=3) == ["s-0", "s-1", "s-2"]
    await ruled("exclude", "sku", "s-0")
    assert await shop.recommended(limit=3) == ["s-1", "s-2", "s-3"]
    await ruled("pin", "sku", "s-5", placement="home")
    assert (await shop.recommended(limit=3))[0] == "s-5"
    assert "s-5" not in await shop.recommended(limit=3, placement="cart")
    await ruled("boost", "category", "even", factor=10)
    assert await shop.recommended(limit=3) == ["s-5", "s-2", "s-4"]
    await ruled("bury", "sku", "s-2", factor=0.001)
    assert await shop.recommended(limit=3) == ["s-5", "s-4", "s-1"]
    await ruled("exclude", "sku", "s-4", segment="vip")
    assert "s-4" in await shop.recommended()
    assert "s-4" not in await shop.recommended(segment="vip")
    answer = await shop.client.delete("/v1/recommendation-rules/exclude-s-4")
    assert answer.status_code == 204
    assert (await shop.client.get("/v1/recommendation-rules/exclude-s-4")).status_code == 404


async def test_rules_have_their_dates_and_never_show_what_is_sold_out(
    shop: Any, ruled: Any, clock: Any
) -> None:
    await a_shop(shop)
    await ruled(
        "pin", "sku", "s-5", starts_at="2026-03-02T13:00:00Z", ends_at="2026-03-02T14:00:00Z"
    )
    assert (await shop.recommended())[0] == "s-0"
    clock.turn(hours=1)
    assert (await shop.recommended())[0] == "s-5"
    await shop.tell(product("s-5", available=False))
    assert "s-5" not in await shop.recommended()
    clock.turn(hours=1)
    listed = (await shop.client.get("/v1/recommendation-rules")).json()["data"]
    assert [each["action"] for each in listed] == ["pin"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"action": "pin", "field": "category"}, "only a sku"),
        ({"action": "pin", "factor": 2}, "take a factor"),
        ({"action": "boost", "factor": 0}, "greater than 0"),
        (
            {
                "action": "pin",
                "starts_at": "2026-03-02T13:00:00Z",
                "ends_at": "2026-03-02T13:00:00Z",
            },
            "after starts_at",
        ),
    ],
)
async def test_rules_that_make_no_sense(shop: Any, body: dict[str, Any], told: str) -> None:
    answer = await put(shop, "r-1", **{"field": "sku", "value": "a", **body})
    assert answer.status_code == 422
    assert told in answer.text


async def test_outcomes_are_summed_up(shop: Any, app: ServiceApp, clock: Any) -> None:
    await a_shop(shop)
    clock.turn(days=61)  # nothing is new any more
    answer = await shop.answer(customer_id="c-1", limit=4)
    told = {
        "recommendation_id": answer["recommendation_id"],
        "outcomes": [{"sku": "s-0", "kind": "clicked"}, {"sku": "s-0", "kind": "purchased"}],
    }
    for _ in range(2):  # what is told twice counts once
        stored = await shop.client.post("/v1/recommendations/outcomes", json=told)
        assert stored.status_code == 200, stored.text
    await shop.tell(order("o-1", "c-1", "s-0"))
    models = (await shop.client.get("/v1/models")).json()
    (found,) = models["online"]
    assert found | {"click_rate": 0, "purchase_rate": 0} == {
        "placement": "home",
        "strategy": "trending",
        "exploring": False,
        "shown": 4,
        "clicked": 1,
        "purchased": 1,
        "click_rate": 0,
        "purchase_rate": 0,
    }
    assert found["click_rate"]["value"] == 0.25
    assert found["click_rate"]["low"] < 0.25 < found["click_rate"]["high"]
    assert (models["holdout"]["others"], models["holdout"]["others_bought"]) == (1, 1)
    assert models["blends"][0]["weights_from"] == "stated"

    told["outcomes"] = [{"sku": "s-0", "kind": "clicked"}, {"sku": "s-9", "kind": "clicked"}]
    refused = await shop.client.post("/v1/recommendations/outcomes", json=told)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/outcomes/1/sku"
    told["recommendation_id"] = "00000000-0000-7000-8000-000000000000"
    unknown = await shop.client.post("/v1/recommendations/outcomes", json=told)
    assert unknown.status_code == 404


async def test_the_blend_learns_from_what_was_explored(
    shop: Any, app: ServiceApp, clock: Any
) -> None:
    rows = """
        INSERT INTO decisions SELECT gen_random_uuid(), :now, 'home', 'c-' || n,
            ARRAY['a', 'b'], ARRAY['new', 'repeat'], true, ARRAY[0.5, 0.5], false
        FROM generate_series(1, 300) AS n
    """
    clicks = """
        INSERT INTO outcomes SELECT decision_id, CASE WHEN n % 10 = 0 THEN 'a' ELSE 'b' END,
            'clicked', :now
        FROM (SELECT decision_id, row_number() OVER () AS n FROM decisions) AS each
    """
    database = app.runtime.database
    async with database.transaction() as session:
        await session.execute(text(rows), {"now": clock()})
        await session.execute(text(clicks), {"now": clock()})
    body = {"placement": "home", "weights": {"repeat": 1.0}}
    better = (await shop.client.post("/v1/models/estimate", json=body)).json()
    body["weights"] = {"new": 1.0}
    worse = (await shop.client.post("/v1/models/estimate", json=body)).json()
    assert better["value"] == pytest.approx(0.9)
    assert worse["value"] == pytest.approx(0.1)
    assert better["places"] == 600
    assert better["low"] > worse["high"]

    async with database.transaction() as session:
        await learn_weights(session, clock())
    await app.state.live.catch_up()
    answer = await shop.answer()
    assert answer["model"]["weights_from"] == "learnt"
    assert answer["model"]["weights"]["repeat"] == 1.0
    assert answer["model"]["weights"]["new"] < 0.2

    put = await shop.client.put("/v1/models/blends/home", json={"trending": 1.0})
    assert put.status_code == 200, put.text
    async with database.transaction() as session:
        await learn_weights(session, clock())
    await app.state.live.catch_up()
    assert (await shop.answer())["model"]["weights"] == {"trending": 1.0}

    clock.turn(days=91)
    async with database.transaction() as session:
        assert await forget_old(session, clock()) == 300
        assert await session.scalar(text("SELECT count(*) FROM outcomes")) == 0


async def test_a_share_explores_and_a_share_is_held_out(
    shop: Any, app: ServiceApp, clock: Any
) -> None:
    await a_shop(shop)
    recommender = app.state.recommender
    recommender._exploring_share = recommender._holdout_share = 0.5
    seen = [(await shop.answer(customer_id=f"c-{n}", limit=3))["model"] for n in range(40)]
    assert {each["holdout"] for each in seen} == {True, False}
    assert {each["exploring"] for each in seen} == {True, False}
    assert not any(each["holdout"] and each["exploring"] for each in seen)
    again = [(await shop.answer(customer_id=f"c-{n}", limit=3))["model"] for n in range(40)]
    assert again == seen
