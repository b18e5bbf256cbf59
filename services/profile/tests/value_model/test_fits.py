"""The two likelihoods: published figures, recovered parameters, and fits that say why they do not stand."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime
from scipy.stats import spearmanr

from perennial_cli.history import online_retail
from perennial_cli.history.shop import Kind
from profile_service.value_model.fitting import bg_nbd, gamma_gamma, verdict
from profile_service.value_model.fitting.bg_nbd import Buyers, fit_bg_nbd
from profile_service.value_model.fitting.gamma_gamma import fit_gamma_gamma
from profile_service.value_model.fitting.scoring import orders_if_alive, p_alive
from profile_service.value_model.rules import BgNbd, GammaGamma

CALIBRATION_END, AS_OF = date(1997, 9, 30), date(1998, 6, 30)
SPENDING = GammaGamma(6.25, 3.74, 15.44)


def test_cdnow_to_the_printed_digits(cdnow: Any, purchases_of: Any) -> None:
    """Fader, Hardie & Lee (2005), tables 2 and 3 and figure 4; Fader & Hardie (2013)."""
    purchases = purchases_of(cdnow, CALIBRATION_END, AS_OF)

    found = verdict.fit(purchases, CALIBRATION_END, AS_OF, 100)

    assert isinstance(found, verdict.Fitted)
    assert found.identified
    assert found.reason is None
    assert found.customers == 2357
    assert [round(each, 3) for each in found.bg_nbd] == [0.243, 4.414, 0.793, 2.426]
    assert round(found.log_likelihood, 1) == -9582.4
    assert found.gamma_gamma is not None
    assert [round(each, 2) for each in found.gamma_gamma] == [6.25, 3.74, 15.44]
    assert found.spend_log_likelihood is not None
    assert round(found.spend_log_likelihood, 2) == -4055.92
    assert found.spend_customers == 946
    assert round(found.calibration["chi_square"], 2) == 4.82
    assert found.holdout is not None
    assert (found.holdout["weeks"], round(found.holdout["correlation"], 3)) == (39, 0.626)
    zero = found.holdout["table"][0]
    assert (zero["repeat"], round(zero["actual"], 2), round(zero["expected"], 3)) == (
        "0", 0.24, 0.225,
    )  # fmt: skip
    assert len(found.tracking["actual"]) == len(found.tracking["expected"]) == 78
    assert found.tracking["expected"][38] == pytest.approx(found.tracking["actual"][38], rel=0.03)


def test_gradients_are_the_slopes() -> None:
    chance = np.random.default_rng(1)
    age = chance.integers(0, 300, 500)
    repeats = chance.integers(0, 9, 500) * (age > 9)
    recency = np.where(repeats > 0, (age * chance.random(500)).astype(np.int64), 0)
    buying = bg_nbd._Likelihood(Buyers.of(repeats, recency, age))
    spending = gamma_gamma._Likelihood(
        repeats[repeats > 0], chance.gamma(2, 1, (repeats > 0).sum())
    )
    for likelihood, at in ((buying, [0.3, 4.0, 0.9, 2.0]), (spending, [3.0, 4.0, 1.5])):
        theta = np.array(at)
        slopes = approx_fprime(theta, lambda each, of=likelihood: of(each)[0], 1e-7)
        assert likelihood(theta)[1] == pytest.approx(slopes, rel=1e-3, abs=1e-2)


@given(
    seed=st.integers(0, 10_000),
    rate=st.floats(0.02, 0.15),
    r=st.floats(0.3, 2.0),
    stops=st.floats(0.1, 0.4),
    kept=st.floats(1.0, 4.0),
)
@settings(max_examples=15, deadline=None)
def test_parameters_of_the_story_are_recovered(
    simulate: Any, seed: int, rate: float, r: float, stops: float, kept: float
) -> None:
    """Within their standard errors, from 8,000 customers over two years, whatever the parameters."""
    model = BgNbd(r, r / rate, kept * stops / (1 - stops), kept)
    seen = simulate(model, SPENDING, 8_000, 104, seed)

    buying = fit_bg_nbd(Buyers.of(seen.repeats, seen.recency, seen.age))
    again = seen.repeats > 0
    spending = fit_gamma_gamma(seen.repeats[again], seen.mean[again])

    for found, true in ((buying, model), (spending, SPENDING)):
        assert found.converged
        off = np.log(found.parameters) - np.log(true)
        # Purchases of one day are one, which is not in the story: that much, and four errors.
        assert np.all(np.abs(off) < 0.1 + 4 * np.sqrt(np.diag(found.covariance))), (found, true)


def test_the_real_shop_is_flat_says_so_and_is_ranked(purchases_of: Any, retail: Any) -> None:
    """Hardly anybody of its nine months has visibly stopped, so that a and b run to their bounds."""
    found: Any = None
    for end in (date(2011, 8, 31), date(2011, 5, 31)):
        found = verdict.fit(
            purchases_of(retail, end, date(2011, 8, 31)), end, date(2011, 8, 31), 100
        )
        assert isinstance(found, verdict.Fitted)
        assert not found.identified
        assert found.reason == verdict.FLAT
        assert np.isfinite([*found.bg_nbd, found.log_likelihood]).all()
    assert found.holdout is not None
    assert found.holdout["correlation"] > 0.5
    seen = purchases_of(retail, end, date(2011, 8, 31))
    age = seen.age(end)
    alive = p_alive(found.bg_nbd, seen.repeats, seen.recency, age)
    expected = alive * orders_if_alive(found.bg_nbd, seen.repeats, age, 13)
    assert spearmanr(expected, seen.bought_after).statistic > 0.35


@pytest.mark.parametrize("customers", [0, 1, 49])
def test_too_few_repeat_buyers(purchases_of: Any, customers: int) -> None:
    first = date(2026, 1, 1)
    bought = [
        (f"c-{each}", first + timedelta(days=day), 1000)
        for each in range(customers)
        for day in (0, 30)
    ]
    purchases = (
        purchases_of(bought, first + timedelta(days=99), first + timedelta(days=99))
        if bought
        else None
    )
    found = verdict.fit(purchases, first + timedelta(days=99), first + timedelta(days=99), 100)
    assert isinstance(found, verdict.Refused)


def test_degenerate_shops_end_without_nan(purchases_of: Any) -> None:
    """Everybody alike, or all on one day, or daily: a fit ends, and whatever it says is finite."""
    first, until = date(2026, 1, 1), date(2026, 6, 30)
    shops = {
        "one day": [(f"c-{each}", first, 1000) for each in range(200)],
        "the same two days": [
            (f"c-{each}", first + timedelta(days=day), 1000)
            for each in range(200)
            for day in (0, 90)
        ],
        "every day": [
            (f"c-{each}", first + timedelta(days=day), 1000)
            for each in range(60)
            for day in range(181)
        ],
        "one beginning, any rhythm": [
            (f"c-{each}", first + timedelta(days=day), 1000 + each)
            for each in range(200)
            for day in range(0, 181, 5 + each % 90)
        ],
        "no money": [
            (f"c-{each}", first + timedelta(days=day), 0)
            for each in range(200)
            for day in (each % 30, 60)
        ],
    }
    for name, bought in shops.items():
        found = verdict.fit(purchases_of(bought, until, until), until, until, 100)
        if isinstance(found, verdict.Fitted):
            assert np.isfinite([*found.bg_nbd, found.log_likelihood, found.mean_value]).all(), name
            assert np.isfinite(found.tracking["expected"]).all(), name
            assert np.isfinite(found.gamma_gamma or [0]).all(), name


@pytest.fixture(scope="session")
def retail(data: Path) -> Any:
    file = data / "online_retail" / "online_retail_to_2011-08.csv.gz"
    if not file.exists():
        pytest.skip(f"no Online Retail file at {file}")
    orders = [item.body for item in online_retail.load(file).of_kind(Kind.ORDER)]
    return [
        (
            order["customer_id"],
            date.fromisoformat(order["placed_at"][:10]),
            sum(line["quantity"] * line["unit_price"]["amount"] for line in order["lines"]),
        )
        for order in orders
        if order.get("status") != "cancelled"
    ]
