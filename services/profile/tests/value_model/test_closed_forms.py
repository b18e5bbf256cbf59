"""What a model says of one customer: against the paper's own formulas, and for arrays as for one."""

import math
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1

from profile_service.value_model import rules
from profile_service.value_model.fitting import scoring
from profile_service.value_model.rules import BgNbd, GammaGamma, History, Model

CDNOW = BgNbd(0.243, 4.414, 0.793, 2.426)
FIRST = date(2025, 1, 1)

models = st.builds(
    BgNbd,
    r=st.floats(0.02, 50),
    alpha=st.floats(0.2, 500),
    a=st.floats(1e-4, 100),
    b=st.floats(1e-2, 500),
)


@st.composite
def histories(draw: st.DrawFn) -> History:
    age = draw(st.integers(0, 1500))
    repeats = draw(st.integers(0, min(age, 400)))
    recency = draw(st.integers(repeats, age)) if repeats else 0
    days = draw(st.integers(0, repeats))
    cents = draw(st.integers(0, 10**9)) if days else 0
    return History(FIRST, FIRST + timedelta(days=recency), repeats, days, cents)


def model(buying: BgNbd, spending: GammaGamma | None = None) -> Model:
    return Model(
        1, buying, spending, identified=True, mean_value=20.0, minor_units=100,
        discount_rate=0.1, pinned_to=None, fitted_at=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


@given(
    r=st.floats(0.1, 10),
    alpha=st.floats(1, 50),
    a=st.floats(0.05, 0.9) | st.floats(1.1, 8),
    b=st.floats(1, 50),
    repeats=st.integers(0, 40),
    waited=st.integers(0, 500),
    days=st.integers(1, 365),
)
@settings(max_examples=150, deadline=None)
def test_expected_orders_are_the_papers(
    r: float, alpha: float, a: float, b: float, repeats: int, waited: int, days: int
) -> None:
    """Eq. 10, where the paper's own form can be computed; it cancels as c / (a - 1) grows."""
    c = a + b + repeats - 1
    age, weeks = (waited + repeats) / 7, days / 7
    y = weeks / (alpha + age + weeks)
    power = ((alpha + age) / (alpha + age + weeks)) ** (r + repeats)
    published = c / (a - 1) * (1 - power * hyp2f1(r + repeats, b + repeats, c, y))
    found = rules.orders_if_alive(BgNbd(r, alpha, a, b), repeats, age, weeks)
    assert found == pytest.approx(published, rel=1e-7, abs=1e-11 * c / abs(a - 1))


@given(a=st.sampled_from([1.0, 1 - 1e-12, 1 + 1e-9]), b=st.sampled_from([1e-9, 0.5, 3.0]))
def test_nothing_is_singular(a: float, b: float) -> None:
    at = rules.orders_if_alive(BgNbd(0.5, 5, a, b), 0, 10, 52)
    beside = rules.orders_if_alive(BgNbd(0.5, 5, a * 1.0001, b * 1.0001), 0, 10, 52)
    assert at == pytest.approx(beside, rel=1e-3)


@given(buying=models, history=histories(), waited=st.integers(0, 800), spends=st.booleans())
@settings(max_examples=150, deadline=None)
def test_predictions_are_finite_and_the_same_for_arrays(
    buying: BgNbd, history: History, waited: int, spends: bool
) -> None:
    whole = model(buying, GammaGamma(6.25, 3.74, 15.44) if spends else None)
    day = history.last_day + timedelta(days=waited)

    found = rules.predict(whole, history, day)

    assert 0 <= found.p_alive <= 1
    assert 0 <= found.expected_orders_90d < math.inf
    assert 0 <= found.clv_365d <= rules.MOST_VALUE
    columns = scoring.Histories(
        *(np.array([each], "datetime64[D]") for each in history[:2]),
        *(np.array([each]) for each in history[2:]),
    )
    many = scoring.predict(whole, columns, day)
    assert many.p_alive[0] == pytest.approx(found.p_alive, rel=1e-9)
    assert many.expected_orders_90d[0] == pytest.approx(found.expected_orders_90d, rel=1e-8)
    assert many.clv_365d[0] == pytest.approx(found.clv_365d, rel=1e-8, abs=1)
    by = many.next_order_by[0].item()
    assert by == (None if found.next_order_by is None else found.next_order_by.date())


def test_p_alive_falls_while_nobody_buys() -> None:
    """The published example: the longer the silence after many purchases, the surer the end."""
    silent = [rules.p_alive(CDNOW, 10, 20, age) for age in (20, 25, 30, 38)]
    assert silent == sorted(silent, reverse=True)
    assert rules.p_alive(CDNOW, 0, 0, 500) == 1
    # Fader & Hardie (2008): x = 2, t_x = 30.43, T = 38.86.
    assert rules.p_alive(CDNOW, 2, 30.43, 38.86) == pytest.approx(0.7266, abs=1e-3)
    assert rules.orders_if_alive(CDNOW, 2, 38.86, 39) * 0.7266 == pytest.approx(1.226, abs=2e-3)


@given(
    buying=models,
    repeats=st.integers(1, 200),
    recency=st.floats(0, 300),
    limit=st.floats(0.05, 0.95),
)
def test_the_threshold_is_crossed_when_it_says(
    buying: BgNbd, repeats: int, recency: float, limit: float
) -> None:
    age = rules.age_when_below(buying, repeats, recency, limit)
    if age == recency:
        assert rules.p_alive(buying, repeats, recency, recency) <= limit + 1e-9
    elif age < 1e9:
        assert rules.p_alive(buying, repeats, recency, age) == pytest.approx(limit, abs=1e-6)


def test_spending_lies_between_ones_own_and_everybodys() -> None:
    whole = model(CDNOW, GammaGamma(6.25, 3.74, 15.44))
    everybody = 6.25 * 15.44 / 2.74
    stranger = rules.expected_value(whole, History(FIRST, FIRST, 0, 0, 0))
    assert stranger == pytest.approx(everybody)
    last = everybody
    for days in (1, 3, 30):
        own = rules.expected_value(whole, History(FIRST, FIRST, days, days, days * 10_000))
        assert last < own < 100
        last = own


def test_later_money_counts_less() -> None:
    history = History(FIRST, FIRST + timedelta(days=200), 10, 10, 20_000)
    day = FIRST + timedelta(days=210)
    worth = [
        rules.predict(model(CDNOW)._replace(discount_rate=rate), history, day).clv_365d
        for rate in (0.0, 0.1, 0.5)
    ]
    assert worth == sorted(worth, reverse=True)
    plain = rules.p_alive(CDNOW, 10, 200 / 7, 30) * rules.orders_if_alive(CDNOW, 10, 30, 365 / 7)
    assert worth[0] == round(plain * 20 * 100)


def test_the_next_order_is_expected_once_in_two() -> None:
    history = History(FIRST, FIRST + timedelta(days=70), 9, 0, 0)
    by = rules.next_order_by(CDNOW, history)
    assert by is not None
    weeks = (by.date() - history.last_day).days / 7
    alpha = CDNOW.alpha + 10
    assert (alpha / (alpha + weeks)) ** (CDNOW.r + 9) == pytest.approx(0.5, abs=0.05)
    assert math.isclose(by.timestamp() % 86_400, 0)
