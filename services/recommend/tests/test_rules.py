"""The rules of answers and outcomes, without a database."""

from datetime import UTC, datetime, timedelta

import pytest

from perennial_http import Invalid
from recommend_service.outcomes.rules import (
    LEAST_TRIALS,
    Place,
    Tried,
    rate,
    weights_from,
    worth,
)
from recommend_service.recommendations.rules import (
    DIVERSITY,
    WEIGHTS,
    Pick,
    diverse,
    drafted,
    share_of,
    strategies_of,
)
from recommend_service.strategies.offers import STRATEGIES, Strategy

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_a_strategy_that_is_not_there() -> None:
    assert strategies_of("home", "trending", {}) == {"trending": 1.0}
    assert set(strategies_of("product", None, {})) == set(WEIGHTS["product"])
    assert strategies_of("home", None, {"home": {"new": 0.5, "repeat": 0.0}}) == {"new": 0.5}
    with pytest.raises(Invalid, match="magic is no strategy; ask for one of for_you"):
        strategies_of("home", "magic", {})


def test_every_stated_weight_is_of_a_strategy() -> None:
    assert {name for weights in WEIGHTS.values() for name in weights} == set(STRATEGIES)


def test_no_category_takes_everything() -> None:
    ranked = [*((n, 1.0 - n / 100) for n in range(5)), (9, 0.8)]
    chosen = diverse(ranked, [0] * 5 + [1], 3)
    assert [item for item, _ in chosen] == [0, 1, 9]
    assert [score for _, score in chosen] == pytest.approx([1.0, 0.99 * DIVERSITY, 0.8])
    unknown = diverse(ranked, [-1] * 6, 3)
    assert [item for item, _ in unknown] == [0, 1, 2]


def test_a_draft_keeps_its_propensities_and_repeats_nothing() -> None:
    ranked: dict[Strategy, list[tuple[int, float]]] = {
        "for_you": [(1, 1.0), (2, 0.5)],
        "trending": [(1, 1.0)],
    }
    assert drafted(ranked, 3, [0.9, 0.1, 0.5]) == [
        Pick(1, 1.0, "trending", 0.5),
        Pick(2, 0.5, "for_you", 1.0),
    ]


def test_shares_are_stable_and_even() -> None:
    assert share_of("holdout", "c-1") == share_of("holdout", "c-1")
    assert share_of("explore", "c-1", NOON) != share_of("explore", "c-1", NOON + timedelta(hours=1))
    held = sum(share_of("holdout", f"c-{n}") < 0.1 for n in range(10_000))
    assert 900 < held < 1_100


def test_a_rate_has_its_interval() -> None:
    assert rate(0, 0) == (0.0, 0.0, 1.0)
    found = rate(10, 100)
    # Wilson's interval of 10 of 100, as tables have it.
    assert (round(found.low, 4), round(found.high, 4)) == (0.0552, 0.1744)


def test_weights_follow_from_what_was_explored() -> None:
    assert weights_from({"new": Tried(LEAST_TRIALS - 1, 50)}) is None
    weights = weights_from({"new": Tried(10_000, 100), "repeat": Tried(10_000, 1_000)})
    assert weights is not None
    assert weights["repeat"] == 1.0
    assert weights["new"] == pytest.approx(0.1, abs=0.01)
    # What was seldom tried fares as all do; and where nothing succeeds, nothing was reported.
    weights = weights_from({"new": Tried(1, 0), "repeat": Tried(10_000, 50)})
    assert weights is not None
    assert weights["new"] == pytest.approx(1.0, abs=0.05)
    assert weights_from({"new": Tried(10, 0), "repeat": Tried(10_000, 0)}) is None


def test_the_worth_of_a_blend_that_never_ran() -> None:
    places = [
        *(Place("new", 0.5, n % 10 == 0) for n in range(1_000)),
        *(Place("repeat", 0.5, n % 2 == 0) for n in range(1_000)),
    ]
    found = worth(places, {"new": 0.25, "repeat": 0.75})
    assert found.value == pytest.approx(0.25 * 0.1 + 0.75 * 0.5)
    assert found.low < found.value < found.high
    assert found.effective < found.places == 2_000
    assert worth(places, {"up_sell": 1.0}) == (0.0, 0.0, 1.0, 2_000, 0.0)
