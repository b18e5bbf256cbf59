"""The models on small cases that can be reckoned by hand, and against slower ways to the same end."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommend_service.strategies import content, ladder, neighbours, repeat, taste, trending
from recommend_service.strategies.blend import blended, evened, fitted
from recommend_service.strategies.gathering import gathered, sessions
from recommend_service.strategies.reactivate import AWAY, Comebacks
from recommend_service.strategies.scored import Floats, Ints, Scored
from recommend_service.strategies.together import meetings, together
from recommend_service.strategies.visits import Visits

DAY = 86_400.0


def ints(*numbers: int) -> Ints:
    return np.array(numbers, np.int32)


def visits_of(*held: tuple[int, ...], capacity: int = 100, postings: int = 10) -> Visits:
    """Visits of one product list each, by owners 0, 1, …"""
    visits = Visits(capacity=capacity, postings=postings, length=4)
    for owner, items in enumerate(held):
        visit = visits.open(owner, float(owner))
        for item in items:
            visits.add(visit, item)
    return visits


VISITS = st.lists(
    st.tuples(st.integers(0, 5), st.lists(st.integers(0, 9), min_size=1, max_size=7, unique=True)),
    max_size=30,
)


@given(told=VISITS, capacity=st.integers(1, 12))
def test_loading_is_adding_one_by_one(told: list[tuple[int, list[int]]], capacity: int) -> None:
    shape = {"capacity": capacity, "postings": 3, "length": 4}
    one_by_one, at_once = Visits(**shape), Visits(**shape)
    for at, (owner, items) in enumerate(told):
        visit = one_by_one.open(owner, float(at))
        for item in items:
            one_by_one.add(visit, item)
    owners = ints(*(owner for owner, _ in told))
    sizes = ints(*(len(items) for _, items in told))
    flat = ints(*(item for _, items in told for item in items))
    at_once.load(owners, np.arange(len(told), dtype=float), sizes, flat)

    def seen(visits: Visits) -> object:
        of_owner = {
            owner: [visits.held(v).tolist() for v in visits.of_owner(owner, 50)]
            for owner in range(6)
        }
        of_item = {
            item: sorted(
                sorted(visits.held(v).tolist()) for v in visits.of_items(ints(item)).visits.tolist()
            )
            for item in range(10)
        }
        return of_owner, of_item

    if len(told) <= capacity:
        assert seen(at_once) == seen(one_by_one)
    else:
        assert seen(at_once)[0] == seen(one_by_one)[0]  # type: ignore[index]  # a pair


def test_the_oldest_visits_give_way() -> None:
    visits = visits_of((1, 2), (1, 3), (1, 4), capacity=2)
    assert len(visits) == 2
    assert list(visits.of_owner(0, 10)) == []
    assert sorted(visits.held(v).tolist() for v in visits.of_items(ints(1)).visits) == [
        [1, 3],
        [1, 4],
    ]
    assert len(visits.of_items(ints(2)).visits) == 0


def test_a_visit_that_is_forgotten_leaves_no_trace() -> None:
    visits = visits_of((1, 2), (1, 2), (1, 3))
    visits.forget(1)
    assert visits.counts(ints(1, 2, 3)).tolist() == [2, 1, 1]
    assert visits.taught == 2
    assert visits.of_items(ints(2)).visits.tolist() == [0]


def test_a_visit_keeps_its_latest_products_in_order() -> None:
    visits = visits_of((1, 2, 3, 4, 5))
    assert visits.held(0).tolist() == [2, 3, 4, 5]
    visits.again(0, 3)
    assert visits.held(0).tolist() == [2, 4, 5, 3]


def test_sessions_end_with_a_pause_and_hold_a_product_once() -> None:
    owner, item = ints(0, 1, 0, 0, 0), ints(7, 8, 9, 7, 6)
    at = np.array([0.0, 1.0, 2.0, 3.0, 100.0])
    found = gathered(sessions(owner, at, 10.0), owner, item, at)
    held = [found.items[a:b].tolist() for a, b in pairwise([0, *np.cumsum(found.sizes)])]
    assert sorted(zip(found.owners.tolist(), held, strict=True)) == [
        (0, [6]),
        (0, [9, 7]),
        (1, [8]),
    ]


def test_the_latest_product_of_a_session_counts_most() -> None:
    visits = visits_of((1, 10), (2, 20), (1, 11), (2, 21), (2, 20))
    best = neighbours.after(visits, ints(1, 2)).best(5).items.tolist()
    assert best.index(20) < best.index(10)
    seen = neighbours.seen_with(visits, ints(1, 2))
    assert neighbours.reasons(seen, 20, 3) == [2]
    assert not len(neighbours.after(visits, ints()).items)


def test_together_is_the_cosine_and_less_where_it_is_chance() -> None:
    visits = visits_of((1, 2), (1, 2), (1, 2), (1, 3), (1, 3), (3, 4), (3, 5))
    (found,) = meetings(visits, ints(1), 6.0, support=2)
    scores = dict(zip(found.found.items.tolist(), found.found.scores.tolist(), strict=True))
    assert scores[2] == pytest.approx(3 / 15**0.5, rel=1e-3)
    # 3 is in 4 of 7 visits, and in 2 of 5 with 1: less than by chance.
    assert scores[3] == pytest.approx(2 / 20**0.5 * (2 / 5) / (4 / 7), rel=1e-3)
    assert not len(meetings(visits, ints(1), 6.0, support=4)[0].found.items)
    assert together([found, found]).scores.sum() == pytest.approx(2 * sum(scores.values()))


def test_meetings_fade() -> None:
    visits = visits_of((1, 2), (1, 2))
    now = meetings(visits, ints(1), 0.0, support=2, half_life=DAY)[0].found.scores[0]
    later = meetings(visits, ints(1), 1 + DAY, support=2, half_life=DAY)[0].found.scores[0]
    assert later == pytest.approx(now / 2, rel=1e-3)


def wanted_again(
    bought: repeat.Purchases, now: float, rhythms: repeat.Rhythms, stated: Floats | None = None
) -> Scored:
    since = repeat.elapsed(bought, now, rhythms, stated)
    return repeat.repeat(bought, now, rhythms, since)


def test_repeat_waits_for_the_rhythm() -> None:
    at = np.array([0.0, 30.0, 60.0, 90.0]) * DAY
    owners, items = ints(0, 0, 0, 0), ints(5, 5, 5, 5)
    rhythms = repeat.learn(owners, items, at)
    assert rhythms.gap[5] == pytest.approx(30 * DAY)
    bought = repeat.Purchases(items, at, ints(0, 1, 2, 3))
    assert not len(wanted_again(bought, 90 * DAY + 3_600, rhythms).items)
    assert wanted_again(bought, 120 * DAY, rhythms).items.tolist() == [5]
    stated = np.full(6, np.nan)
    stated[5] = 1_000 * DAY
    assert not len(wanted_again(bought, 120 * DAY, rhythms, stated).items)


def test_what_is_bought_again_and_again_comes_before_what_is_bought_once() -> None:
    at = np.array([0, 10, 20, 20, 0, 0]) * DAY
    rhythms = repeat.learn(ints(0, 0, 0, 0, 1, 2), ints(5, 5, 5, 6, 6, 6), at)
    bought = repeat.Purchases(ints(5, 5, 5, 6), at[:4], ints(0, 1, 2, 2))
    assert wanted_again(bought, 60 * DAY, rhythms).best(2).items.tolist() == [5, 6]


def test_what_is_bought_alone_comes_before_what_is_bought_among_many() -> None:
    at = np.array([0, 5, 5, 5, 10, 15, 15, 15]) * DAY
    items, orders = ints(1, 2, 3, 4, 1, 2, 3, 4), ints(0, 1, 1, 1, 2, 3, 3, 3)
    rhythms = repeat.learn(ints(*[0] * 8), items, at)
    bought = repeat.Purchases(items, at, orders)
    assert wanted_again(bought, 60 * DAY, rhythms).best(4).items[0] == 1


def test_taste_finds_the_kind_that_somebody_likes() -> None:
    # Two kinds of visitors, each of whom wants five products of one kind.
    random = np.random.default_rng(1)
    pairs = [(v, 10 * (v % 2) + int(i)) for v in range(60) for i in random.permutation(10)[:5]]
    visitors, items = ints(*(v for v, _ in pairs)), ints(*(i for _, i in pairs))
    fitted_taste = taste.fit(visitors, items, np.ones(len(pairs)), factors=4)
    best = taste.liked(fitted_taste, ints(0, 1), np.ones(2)).best(8).items
    assert (best < 10).all()
    assert fitted_taste.nearest(ints(0, 15), 3, 1) == [0]
    assert not len(taste.liked(taste.NO_TASTE, ints(0), np.ones(1)).items)
    assert taste.fit(ints(), ints(), np.empty(0)) is taste.NO_TASTE


def test_the_best_of_many_are_found_whatever_their_order() -> None:
    random = np.random.default_rng(2)
    for number in (10, 400, 5_000, 50_003):
        items = random.permutation(number).astype(np.int32)
        scores = random.integers(0, 300, number) / 300
        expected = items[np.lexsort((items, -scores))]
        for most in (1, 20, 300):
            found = Scored(items, scores)
            assert found.best(most).items.tolist() == expected[:most].tolist()
            near = found.near(most)
            assert set(expected[:most].tolist()) <= set(near.items.tolist())


def test_trends_halve_each_day_and_take_back() -> None:
    trend = trending.Trend()
    trend.add(1, 8.0, 0.0)
    trend.add(2, 3.0, 2 * DAY)
    found = trend.now()
    assert dict(zip(found.items.tolist(), found.scores.tolist(), strict=True)) == {1: 2.0, 2: 3.0}
    trend.add(2, -3.0, 2 * DAY)
    assert trend.now().items.tolist() == [1]
    trend.add(3, 1.0, 10_000 * DAY)
    assert trend.now().items.tolist() == [3]


def test_a_step_up_is_dearer_of_the_same_kind_and_within_reach() -> None:
    categories = ints(0, 0, 0, 0, 1)
    prices = np.array([100.0, 130.0, 240.0, 90.0, 130.0])

    def nobody(items: Ints) -> Floats:
        return np.zeros(len(items))

    assert ladder.steps_up(0, categories, prices, nobody, None).best(9).items.tolist() == [1, 2]
    assert ladder.steps_up(0, categories, prices, nobody, 90.0).best(9).items.tolist() == [1]
    assert not len(ladder.steps_up(9, categories, prices, nobody, None).items)


def test_new_products_by_what_they_are() -> None:
    words = {1: content.words_of("Green tea cup", "tea"), 2: content.words_of("Red sock", "socks")}
    words[9] = content.words_of("Black tea", "tea")
    new = content.indexed({1: 0.0, 2: 0.0}, words)
    assert content.new_like(ints(9), words, new, 60.0).best(2).items.tolist() == [1, 2]
    new = content.indexed({1: 0.0, 2: 30.0, 3: 90.0}, words)
    assert content.new_like(ints(), words, new, 60.0).best(9).items.tolist() == [2, 1]
    assert not len(content.new_like(ints(), words, new, 90.0 + content.NEW_FOR).items)


def test_what_brought_back_those_who_had_bought_the_same() -> None:
    comebacks = Comebacks()
    at = np.array([0.0, 1.0, AWAY + 2, AWAY + 3])
    comebacks.learn(ints(0, 1, 0, 1), at, ints(1, 1, 1, 1), ints(5, 6, 7, 8))
    assert comebacks.like(ints(5)).items.tolist() == [7]
    assert not len(comebacks.like(ints(9)).items)


def test_a_blend_is_never_worse_than_its_best_part_where_it_was_fitted() -> None:
    good = evened(Scored(ints(1, 2), np.array([2.0, 1.0])))
    bad = evened(Scored(ints(8, 9), np.array([2.0, 1.0])))
    weights, quality = fitted([({"good": good, "bad": bad}, ints(1, 2))] * 5, 2)
    assert quality == 1.0
    assert weights["good"] == 1.0
    assert blended({"good": good, "bad": bad}, weights).best(2).items.tolist() == [1, 2]
