"""What is recommended, asked through the door after events came through the log."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from perennial_events import seal
from recommend_service.testing import (
    came_back,
    cancelled,
    complained,
    identified,
    order,
    product,
    refunded,
    viewed,
)


async def bought_together(shop: Any, *skus: str, times: int = 2) -> None:
    await shop.tell(*(order(f"o-{'-'.join(skus)}-{n}", f"c-{n}", *skus) for n in range(times)))


async def test_what_was_bought_together_is_recommended_with_its_reason(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=3)
    await bought_together(shop, "tea", "honey", times=2)

    answer = await shop.answer(placement="product", sku="tea", strategy="also_bought")

    assert answer["data"] == [
        # 3 / sqrt(5 · 3) and 2 / sqrt(5 · 2)
        {"sku": "mug", "score": 0.774597, "strategy": "also_bought", "because": ["tea"]},
        {"sku": "honey", "score": 0.632456, "strategy": "also_bought", "because": ["tea"]},
    ]
    assert answer["model"] == {
        "name": "also_bought",
        "version": 0,
        "weights": {"also_bought": 1.0},
        "weights_from": "stated",
        "exploring": False,
        "holdout": False,
    }
    assert answer["freshness"]["applied_at"].endswith("Z")
    assert 0 <= answer["freshness"]["lag_ms"] < 60_000


async def test_before_the_first_event(shop: Any) -> None:
    answer = await shop.answer()
    assert answer["data"] == []
    assert answer["freshness"] == {"applied_at": None, "lag_ms": 0}


async def test_one_meeting_is_no_pattern(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=1)
    assert await shop.recommended(sku="tea", strategy="also_bought") == []


async def test_what_is_in_every_basket_goes_with_nothing_in_particular(shop: Any) -> None:
    await bought_together(shop, "bag", "bread", times=20)
    await bought_together(shop, "bag", "tea", "mug", times=3)
    assert await shop.recommended(sku="tea", strategy="also_bought") == ["mug", "bag"]


async def test_several_products_of_a_cart_add_up(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=4)
    await bought_together(shop, "mug", "honey", times=2)
    await bought_together(shop, "honey", "milk", times=2)
    await bought_together(shop, "tea", "milk", times=2)

    answer = await shop.answer(placement="cart", sku=["tea", "honey"], strategy="also_bought")

    found = {each["sku"]: each["because"] for each in answer["data"]}
    assert found == {"mug": ["tea", "honey"], "milk": ["honey", "tea"]}


async def test_a_cancelled_order_was_not_bought(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=2)
    await shop.tell(cancelled("o-mug-tea-1", "c-1"))
    assert await shop.recommended(sku="tea", strategy="also_bought") == []
    assert await shop.recommended(customer_id="c-1", strategy="trending") == ["mug", "tea"]
    assert await shop.recommended(customer_id="c-0", strategy="trending") == []


@pytest.mark.parametrize("back", [came_back, refunded])
async def test_never_what_this_customer_bought_or_gave_back(shop: Any, back: Any) -> None:
    await bought_together(shop, "mug", "tea", times=2)
    await shop.tell(
        order("own", "c-own", "mug"), back("own", "c-own", "mug"), back("lost", "c-ret", "mug")
    )
    for customer in ("c-own", "c-ret"):
        asked = {"customer_id": customer, "sku": "tea"}
        assert await shop.recommended(**asked) == []
    assert await shop.recommended(customer_id="c-other", sku="tea") == ["mug"]


async def test_never_what_is_unavailable(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=2)
    await shop.tell(viewed("a1", "tea"), viewed("a1", "mug"), viewed("a2", "mug"))
    await shop.tell(product("mug", available=False))
    assert await shop.recommended(sku="tea") == []
    assert await shop.recommended() == ["tea"]
    await shop.tell(product("mug"))
    assert await shop.recommended(sku="tea") == ["mug"]


async def test_never_what_a_customer_complained_of(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=2)
    await shop.tell(complained("c-sad", "mug"))
    assert await shop.recommended(customer_id="c-sad", sku="tea") == []


async def test_what_was_bought_comes_again_when_it_is_due(shop: Any, clock: Any) -> None:
    for n in range(4):
        await shop.tell(order(f"o-{n}", "c-1", "coffee"))
        clock.turn(days=20)
    assert await shop.recommended(customer_id="c-1", strategy="repeat") == ["coffee"]
    await shop.tell(order("o-9", "c-1", "coffee"))
    assert await shop.recommended(customer_id="c-1") == []
    clock.turn(days=15)
    (again,) = (await shop.answer(customer_id="c-1"))["data"]
    assert (again["sku"], again["strategy"], again["because"]) == ("coffee", "repeat", ["coffee"])


async def test_never_what_was_asked_about(shop: Any) -> None:
    await shop.tell(viewed("a1", "tea"))
    assert await shop.recommended(sku="tea") == []


async def test_a_click_changes_this_visitors_next_answer(shop: Any) -> None:
    for who in ("a1", "a2"):
        await shop.tell(viewed(who, "tea"), viewed(who, "mug"))
    asked = {"anonymous_id": "a9", "strategy": "also_viewed"}
    assert await shop.recommended(**asked) == []
    await shop.append(viewed("a9", "tea"))
    answer = await shop.answer(**asked)
    assert [(each["sku"], each["because"]) for each in answer["data"]] == [("mug", ["tea"])]


async def test_an_order_changes_what_goes_together_in_the_next_answer(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=1)
    await shop.append(order("o-2", "c-2", "tea", "mug"))
    assert await shop.recommended(sku="tea", strategy="also_bought") == ["mug"]


@pytest.mark.parametrize("identified_first", [True, False])
async def test_the_anonymous_past_is_the_customers(shop: Any, identified_first: bool) -> None:
    for who in ("a1", "a2"):
        await shop.tell(viewed(who, "tea"), viewed(who, "mug"), viewed(who, "milk"))
    story = [identified("a9", "c-9"), viewed("a9", "tea")]
    for event in story if identified_first else reversed(story):
        await shop.tell(event)
    await shop.tell(order("o-9", "c-9", "mug"))

    seen = {"strategy": "also_viewed"}
    assert await shop.recommended(customer_id="c-9", **seen) == ["milk"]
    # Whoever comes back without having signed in has bought the mug all the same.
    assert await shop.recommended(anonymous_id="a9", **seen) == ["milk"]
    assert await shop.recommended(anonymous_id="a9", customer_id="c-9", **seen) == ["milk"]


async def test_a_device_belongs_to_whom_it_was_told_of_last(shop: Any, clock: Any) -> None:
    await shop.tell(order("o-1", "c-1", "mug"), order("o-2", "c-2", "tea"))
    await shop.tell(identified("a1", "c-2"), at=clock() + timedelta(hours=1))
    await shop.tell(identified("a1", "c-1"), at=clock())
    assert await shop.recommended(anonymous_id="a1") == ["mug"]


async def test_a_customer_and_an_anonymous_visitor_of_one_name_are_two(shop: Any) -> None:
    await shop.tell(order("o-1", "a1", "mug"), order("o-2", "c-2", "tea"))
    assert await shop.recommended(customer_id="a1") == ["tea"]
    assert await shop.recommended(anonymous_id="a1") == ["mug", "tea"]


async def test_trends_weigh_and_fade(shop: Any, clock: Any) -> None:
    await shop.tell(*(viewed(f"a{n}", "old") for n in range(12)), at=clock() - timedelta(days=2))
    await shop.tell(
        order("o-1", "c-1", "sold"),
        viewed("a1", "added", "product_added"),
        viewed("a1", "seen"),
        viewed("a2", "seen"),
        viewed("a1", None, "searched"),
        viewed("a1", "removed", "product_removed"),
    )
    data = (await shop.answer(strategy="trending"))["data"]
    assert [(each["sku"], each["score"]) for each in data] == [
        ("sold", 10.0),
        ("old", 3.0),
        ("added", 3.0),
        ("seen", 2.0),
    ]


async def test_a_history_of_long_ago_still_has_its_trends(shop: Any, clock: Any) -> None:
    await shop.tell(viewed("a1", "tea"), at=clock() - timedelta(days=390))
    assert await shop.recommended() == ["tea"]


async def test_a_time_to_come_counts_as_now(shop: Any, clock: Any) -> None:
    await shop.tell(viewed("a1", "mug"), at=clock() + timedelta(days=400))
    await shop.tell(viewed("a2", "tea"), viewed("a3", "tea"))
    assert await shop.recommended() == ["tea", "mug"]


async def test_a_machine_bends_nothing_for_others(shop: Any) -> None:
    await shop.tell(*(viewed(f"a{n}", "tea") for n in range(3)))
    await shop.tell(*(viewed("abot", "mug") for _ in range(300)))
    await shop.tell(*(viewed("abot", f"s-{n}") for n in range(300)))
    assert (await shop.recommended(strategy="trending", limit=50))[0] == "tea"
    assert len(await shop.recommended(strategy="trending", limit=50)) == 1 + 40


async def test_strategies_fill_up_in_order_without_repeats(shop: Any) -> None:
    await bought_together(shop, "tea", "mug", times=2)
    for who in ("a1", "a2"):
        await shop.tell(*(viewed(who, sku) for sku in ("tea", "mug", "milk")))
    await shop.tell(*(viewed(f"a{n}", "cake") for n in range(3, 6)))

    data = (await shop.answer(placement="product", sku="tea"))["data"]

    assert [(each["sku"], each["strategy"]) for each in data] == [
        ("mug", "also_bought"),
        ("milk", "also_viewed"),
        ("cake", "trending"),
    ]
    assert await shop.recommended(sku="tea", limit=2) == ["mug", "milk"]


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"strategy": "psychic"}, "strategy", "for_you, also_bought, also_viewed"),
    ({"placement": "ceiling"}, "placement", "'home'"),
    ({"limit": 0}, "limit", "greater than or equal to 1"),
    ({"limit": 51}, "limit", "less than or equal to 50"),
    ({"sku": "a b"}, "sku.0", "pattern"),
    ({"customer_id": "~a1"}, "customer_id", "pattern"),
    ({"anonymous_id": ""}, "anonymous_id", "pattern"),
    ({"strategy": "x" * 65}, "strategy", "at most 64"),
    ({"colour": "red"}, "colour", "not permitted"),
]


async def test_what_cannot_be_asked(client: httpx.AsyncClient) -> None:
    for query, parameter, told in REFUSED:
        answer = await client.get("/v1/recommendations", params=query)
        assert answer.status_code == 422, query
        (error,) = answer.json()["errors"]
        assert error["parameter"] == parameter
        assert told in error["detail"]


async def test_no_key_no_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/recommendations", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401


async def test_what_arrives_twice_counts_once(shop: Any, clock: Any) -> None:
    events = [order("o-1", "c-1", "mug", "tea"), viewed("a1", "mug"), viewed("a1", "tea")]
    sealed = [seal(event, source="/perennial/test", time=clock()) for event in events]
    await shop.log.append(sealed)
    await shop.log.append(sealed)
    await shop.tell(*events)  # as other events, of the same order and the same visit

    assert await shop.recommended(sku="tea", strategy="also_bought") == []


async def test_many_ask_at_once(shop: Any) -> None:
    await bought_together(shop, "mug", "tea", times=2)
    await shop.tell(viewed("a1", "milk"))
    answers = await asyncio.gather(*(shop.recommended(sku="tea") for _ in range(50)))
    assert {tuple(answer) for answer in answers} == {("mug", "milk")}
