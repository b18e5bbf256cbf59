"""The closed forms of `value_model.rules`, for arrays of customers."""

from datetime import date
from typing import NamedTuple

import numpy as np

from profile_service.value_model import rules
from profile_service.value_model.fitting.bg_nbd import Days
from profile_service.value_model.fitting.optimum import Floats
from profile_service.value_model.rules import DAYS_A_WEEK, HORIZONS, BgNbd, Model

_BLOCK = 8_192
"""Rows that go through a series together: few enough for the processor's cache."""

NO_DAY = np.datetime64("NaT", "D")
_LAST_DAY = np.datetime64(date.max)


class Histories(NamedTuple):
    """`rules.History`, in columns; days as `datetime64[D]`."""

    first_day: np.ndarray
    last_day: np.ndarray
    repeats: Days
    value_days: Days
    value_sum: Days


class Predictions(NamedTuple):
    """`rules.Prediction`, in columns; `next_order_by` as `datetime64[D]`, or no day."""

    p_alive: Floats
    expected_orders_90d: Floats
    clv_365d: Days
    next_order_by: np.ndarray


def predict(model: Model, histories: Histories, day: date) -> Predictions:
    """`rules.predict` for many customers, seen from `day`, or from their last order where that is later."""
    bg_nbd = model.bg_nbd
    recency = (histories.last_day - histories.first_day).astype(np.int64)
    until = np.maximum(histories.last_day, np.datetime64(day, "D"))
    age = (until - histories.first_day).astype(np.int64)
    alive = p_alive(bg_nbd, histories.repeats, recency, age)
    ahead = [
        alive * orders_if_alive(bg_nbd, histories.repeats, age, horizon / DAYS_A_WEEK)
        for horizon in HORIZONS
    ]
    discounted = np.zeros(len(alive))
    before = np.zeros(len(alive))
    for orders, factor in zip(ahead, rules.discounts(model.discount_rate), strict=True):
        discounted += (orders - before) * factor
        before = orders
    value = discounted * expected_value(model, histories) * model.minor_units
    return Predictions(
        alive,
        ahead[0],
        np.rint(np.minimum(value, rules.MOST_VALUE)).astype(np.int64),
        _next_order_by(bg_nbd, histories, recency),
    )


def p_alive(model: BgNbd, repeats: Days, recency: Days, age: Days) -> Floats:
    """`rules.p_alive`; recency and age in days."""
    r, alpha, a, b = model
    waited = np.log(alpha + age / DAYS_A_WEEK) - np.log(alpha + recency / DAYS_A_WEEK)
    kept = np.where(repeats > 0, b + (repeats - 1), 1.0)
    odds = np.log(a) - np.log(kept) + (r + repeats) * waited
    return np.where(repeats > 0, 1 / (1 + np.exp(np.minimum(odds, 700.0))), 1.0)


def orders_if_alive(model: BgNbd, repeats: Days, age: Days, weeks: float) -> Floats:
    """`rules.orders_if_alive`; age in days. Customers who are alike are worked out once."""
    most = int(repeats.max(initial=0)) + 1
    kinds, where = np.unique(age * most + repeats, return_inverse=True)
    ages, bought = np.divmod(kinds, most)
    found = np.empty(len(kinds))
    for start in range(0, len(kinds), _BLOCK):
        block = slice(start, start + _BLOCK)
        found[block] = _series(model, bought[block], ages[block] / DAYS_A_WEEK, weeks)
    return np.asarray(found[where], dtype=np.float64)


def orders_of_beginners(model: BgNbd, weeks: Floats) -> Floats:
    """Purchase days expected of a new customer in so many weeks (2005, eq. 9)."""
    none = np.zeros(len(weeks), dtype=np.int64)
    return _series(model, none, none.astype(np.float64), weeks)


def _series(model: BgNbd, repeats: Days, age: Floats, weeks: Floats | float) -> Floats:
    r, alpha, a, b = model
    total = np.zeros(len(age))
    rate, kept = r + repeats, b + repeats
    z = weeks / (alpha + age)
    y = z / (1 + z)
    none = -rate * np.log1p(z)
    exactly, more = np.exp(none), -np.expm1(none)
    left, survives = rate * z, np.ones(len(age))
    i = 0
    while True:
        total += survives * more
        left -= more
        survives *= (kept + i) / (a + kept + i)
        exactly *= y * (rate + i) / (i + 1)
        more -= exactly
        # Rounding must not take back what was added.
        np.maximum(more, 0.0, out=more)
        i += 1
        if np.all((survives * left <= rules.PRECISION * total) | (more <= rules.NOTHING)):
            return total


def expected_value(model: Model, histories: Histories) -> Floats:
    """`rules.expected_value`."""
    days = histories.value_days
    total = histories.value_sum / model.minor_units
    if model.gamma_gamma is None:
        return np.where(days > 0, total / np.maximum(days, 1), model.mean_value)
    p, q, gamma = model.gamma_gamma
    return np.asarray(p * (gamma + total) / (p * days + q - 1), dtype=np.float64)


def _next_order_by(model: BgNbd, histories: Histories, recency: Days) -> np.ndarray:
    growth = np.expm1(np.minimum(np.log(2) / (model.r + histories.repeats), 700.0))
    days = DAYS_A_WEEK * (model.alpha + recency / DAYS_A_WEEK) * growth
    near = days <= rules.FARTHEST.days
    found = histories.last_day + np.ceil(np.where(near, days, 0.0)).astype("timedelta64[D]")
    return np.where(near & (found <= _LAST_DAY), found, NO_DAY)
