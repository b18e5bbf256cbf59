"""The rules, without a database."""

import pytest

from recommend_service.counts.rules import KEPT_VIEWS, RecentViews, pairs_of_basket, view
from recommend_service.errors import UnknownStrategy
from recommend_service.recommendations.rules import (
    SEEDS,
    Recommendation,
    Strategy,
    Together,
    cosine,
    fill,
    rank,
    seeds_of,
    strategies_of,
)

MINUTE = 60_000


def follow(*looks: tuple[int, str]) -> list[set[str] | None]:
    """What each view, at a minute, was together with."""
    recent: RecentViews = {}
    met = [view(recent, sku, minute * MINUTE) for minute, sku in looks]
    return [None if others is None else set(others) for others in met]


def test_a_pair_is_counted_when_the_second_enters_the_window() -> None:
    assert follow((0, "a"), (29, "b"), (31, "c")) == [set(), {"a"}, {"b"}]


def test_a_repeated_view_within_the_window_counts_nothing() -> None:
    assert follow((0, "a"), (1, "b"), (2, "a"), (3, "b"), (3, "b")) == [
        set(),
        {"a"},
        None,
        None,
        None,
    ]


def test_a_product_that_left_the_window_may_enter_again() -> None:
    assert follow((0, "a"), (31, "b"), (32, "a")) == [set(), set(), {"b"}]


def test_a_repeated_view_keeps_a_product_in_the_window() -> None:
    assert follow((0, "a"), (20, "a"), (45, "b")) == [set(), None, {"a"}]


def test_a_view_told_of_late_meets_what_was_viewed_about_then() -> None:
    assert follow((60, "a"), (40, "b"), (29, "c")) == [set(), {"a"}, {"b"}]


def test_the_window_holds_ten_products() -> None:
    met = follow(*((0, f"s{n:02}") for n in range(KEPT_VIEWS + 2)))
    assert met[-1] == {f"s{n:02}" for n in range(1, KEPT_VIEWS + 1)}


def test_a_large_basket_pairs_its_first_thirty_products() -> None:
    skus = [f"s{n:03}" for n in reversed(range(500))]
    pairs = list(pairs_of_basket(skus))
    assert len(pairs) == 30 * 29 // 2
    assert all(one < other for one, other in pairs)
    assert {sku for pair in pairs for sku in pair} == set(skus[:30])


def test_cosine() -> None:
    assert cosine(4, 4, 4) == 1
    assert cosine(2, 4, 16) == 0.25
    assert cosine(0, 0, 3) == 0


def test_reasons_are_the_strongest_and_ties_go_by_sku() -> None:
    found = [
        *(Together("also_bought", "x", f"seed-{n}", n, 5, 5) for n in (1, 2, 3, 4)),
        Together("also_bought", "b", "seed-1", 2, 5, 5),
        Together("also_bought", "a", "seed-2", 2, 5, 5),
        Together("also_viewed", "v", "seed-2", 5, 5, 5),
    ]
    assert rank(found, "also_bought") == [
        Recommendation("x", 2.0, "also_bought", ("seed-4", "seed-3", "seed-2")),
        Recommendation("a", 0.4, "also_bought", ("seed-2",)),
        Recommendation("b", 0.4, "also_bought", ("seed-1",)),
    ]


def test_seeds_are_what_was_asked_or_the_latest_views_and_orders() -> None:
    views = [{"a": 1, "b": 5}, {"a": 9}]
    assert seeds_of(["x", "y", "x"], views, ["z"]) == ["x", "y"]
    assert seeds_of([], views, ["z", "b", "z"]) == ["a", "b", "z"]
    many = [{f"v{n}": -n for n in range(30)}]
    assert seeds_of([], many, []) == [f"v{n}" for n in range(SEEDS)]
    both = seeds_of([], many, [f"o{n}" for n in range(30)])
    assert both == ["v0", "v1", "v2", "v3", "v4", "o0", "o1", "o2", "o3", "o4"]
    assert seeds_of([], many, ["o0"]) == [*(f"v{n}" for n in range(9)), "o0"]


def test_filling_up_repeats_nothing() -> None:
    one = [Recommendation("a", 1, "also_bought"), Recommendation("b", 0.5, "also_bought")]
    two = [Recommendation("b", 9, "trending"), Recommendation("c", 8, "trending")]
    ranked: dict[Strategy, list[Recommendation]] = {"also_bought": one, "trending": two}
    assert [each.sku for each in fill(ranked, ("also_bought", "trending"), 3)] == ["a", "b", "c"]
    assert [each.sku for each in fill(ranked, ("trending", "also_bought"), 2)] == ["b", "c"]


def test_a_strategy_that_is_not_there() -> None:
    assert strategies_of("home", None) == ("also_bought", "also_viewed", "trending")
    assert strategies_of("home", "trending") == ("trending",)
    with pytest.raises(UnknownStrategy, match="repeat is not offered yet; ask for one of also_b"):
        strategies_of("home", "repeat")
    with pytest.raises(UnknownStrategy, match="magic is no strategy"):
        strategies_of("home", "magic")
