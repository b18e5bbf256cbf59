"""How well a model tells what it was not fitted on: by class, week by week, and in the holdout."""

from datetime import date
from typing import Any, NamedTuple

import numpy as np
from scipy.special import betaln, gammaln

from profile_service.value_model.fitting.bg_nbd import Buyers, Days
from profile_service.value_model.fitting.optimum import Floats
from profile_service.value_model.fitting.scoring import (
    orders_if_alive,
    orders_of_beginners,
    p_alive,
)
from profile_service.value_model.rules import DAYS_A_WEEK, BgNbd

CLASSES = 7
"""Customers are told apart by 0, 1, … 6 and by 7 and more repeat purchases, as the paper does."""

Json = dict[str, Any]


class Tracked(NamedTuple):
    """Repeat purchases by week of the shop's life, and how many customers began on which day of it."""

    origin: date
    repeats: Days
    beginners: Days


def holdout(model: BgNbd, columns: tuple[Days, Days, Days], bought: Days, days: int) -> Json:
    """Orders of the `days` after the calibration: as they were, and as they were expected of each
    customer of `columns` (repeats, recency and age in days); the table has means a customer."""
    repeats, recency, age = columns
    alive = p_alive(model, repeats, recency, age)
    expected = alive * orders_if_alive(model, repeats, age, days / DAYS_A_WEEK)
    classes = np.minimum(repeats, CLASSES)
    customers = np.bincount(classes, minlength=CLASSES + 1)
    actual_sums = np.bincount(classes, bought, CLASSES + 1)
    expected_sums = np.bincount(classes, expected, CLASSES + 1)
    varied = len(bought) > 1 and bool(np.ptp(bought) > 0) and bool(np.ptp(expected) > 0)
    return {
        "weeks": round(days / DAYS_A_WEEK, 3),
        "actual": int(bought.sum()),
        "expected": _rounded(float(expected.sum())),
        "correlation": _rounded(float(np.corrcoef(bought, expected)[0, 1])) if varied else None,
        "table": [
            {
                "repeat": _label(each),
                "customers": int(customers[each]),
                "actual": _rounded(actual_sums[each] / customers[each]),
                "expected": _rounded(expected_sums[each] / customers[each]),
            }
            for each in np.flatnonzero(customers).tolist()
        ],
    }


def calibration(model: BgNbd, buyers: Buyers) -> Json:
    """Customers by repeat purchases within the calibration: as they are, and as the model has them
    (2005, eq. 8); chi-square over the classes."""
    classes = np.minimum(buyers.repeats, CLASSES)
    actual = np.bincount(classes, buyers.number, CLASSES + 1)
    ages = np.bincount(buyers.age, buyers.number)
    chances = _chances(model, np.arange(len(ages)) / DAYS_A_WEEK)
    expected = np.append(ages @ chances, 0.0)
    expected[-1] = max(float(ages.sum() - expected.sum()), 0.0)
    counted = expected > 0
    squares = (actual - expected)[counted] ** 2 / expected[counted]
    return {
        "chi_square": _rounded(float(squares.sum())),
        "table": [
            {
                "repeat": _label(each),
                "actual": int(actual[each]),
                "expected": _rounded(float(expected[each])),
            }
            for each in range(CLASSES + 1)
        ],
    }


def _chances(model: BgNbd, weeks: Floats) -> Floats:
    """P(X(t) = x) for each t of `weeks`, and x below `CLASSES` (2005, eq. 8)."""
    r, alpha, a, b = model
    x = np.arange(CLASSES, dtype=np.float64)
    t = weeks[:, None]
    binomial = np.exp(
        gammaln(r + x)
        - gammaln(r)
        - gammaln(x + 1)
        + r * np.log(alpha / (alpha + t))
        + x * np.log(np.where(t > 0, t, 1.0) / (alpha + t))
    )
    binomial[weeks == 0] = x == 0
    fewer = np.cumsum(binomial, axis=1) - binomial
    going_on = np.exp(betaln(a, b + x) - betaln(a, b)) * binomial
    stopped = np.exp(betaln(a + 1, np.maximum(b + x - 1, b)) - betaln(a, b)) * (1 - fewer)
    return np.asarray(going_on + np.where(x > 0, stopped, 0.0), dtype=np.float64)


def tracking(model: BgNbd, tracked: Tracked) -> Json:
    """Cumulative repeat purchases at each week's end: as they were, and as expected (2005, eq. 9)."""
    span = len(tracked.repeats) * DAYS_A_WEEK
    ages = np.arange(span + 1, dtype=np.int64)
    each = orders_of_beginners(model, ages / DAYS_A_WEEK)
    ends = ages[DAYS_A_WEEK::DAYS_A_WEEK]
    began = tracked.beginners
    expected = [
        float(began[: end + 1] @ each[end - np.arange(min(end + 1, len(began)))]) for end in ends
    ]
    return {
        "origin": tracked.origin.isoformat(),
        "actual": [int(each) for each in np.cumsum(tracked.repeats)],
        "expected": [_rounded(each) for each in expected],
    }


def _label(repeats: int) -> str:
    return f"{repeats}+" if repeats == CLASSES else str(repeats)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
