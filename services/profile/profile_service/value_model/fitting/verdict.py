"""Whether a fit may stand. Pure: purchases go in, a model's parts or a reason come out."""

from datetime import date
from typing import Any, NamedTuple

import numpy as np

from profile_service.value_model.fitting import validation
from profile_service.value_model.fitting.bg_nbd import Buyers, fit_bg_nbd
from profile_service.value_model.fitting.gamma_gamma import fit_gamma_gamma
from profile_service.value_model.fitting.optimum import KNOWN, Optimum
from profile_service.value_model.fitting.summary import Purchases
from profile_service.value_model.rules import DAYS_A_WEEK, HORIZONS, BgNbd, GammaGamma

LEAST_REPEAT_BUYERS = 50
"""Four parameters cannot be told from fewer customers who came back."""

_MOST_GROWTH = 300.0

FLAT = (
    "The likelihood is nearly flat, so that P(alive) cannot be told: customers are ranked by their"
    " rhythm and spending, and stages go by days."
)

FLAT_AFTER_ANOTHER = "The likelihood is nearly flat, so that P(alive) cannot be told: the model before stays in force."


class Refused(NamedTuple):
    """No model: the one before stays, or stages go by days."""

    reason: str


class Fitted(NamedTuple):
    """A model's parts. `identified` is False, and `reason` says so, where the likelihood is nearly flat."""

    bg_nbd: BgNbd
    log_likelihood: float
    identified: bool
    gamma_gamma: GammaGamma | None
    spend_log_likelihood: float | None
    spend_customers: int | None
    mean_value: float
    customers: int
    calibration: dict[str, Any]
    holdout: dict[str, Any] | None
    tracking: dict[str, Any]
    reason: str | None


def fit(
    purchases: Purchases | None, calibration_end: date, as_of: date, minor_units: int
) -> Fitted | Refused:
    """Fit both models to the calibration, and hold them against what came after."""
    if purchases is None:
        return Refused(f"No paid order by {calibration_end}: there is nothing to fit.")
    coming_back = int((purchases.repeats > 0).sum())
    if coming_back < LEAST_REPEAT_BUYERS:
        return Refused(
            f"Too few repeat buyers: {coming_back} of {len(purchases.first)} customers bought on a"
            f" second day by {calibration_end}, and {LEAST_REPEAT_BUYERS} are needed."
        )
    age = purchases.age(calibration_end)
    buyers = Buyers.of(purchases.repeats, purchases.recency, age)
    found = fit_bg_nbd(buyers)
    if not found.converged:
        return Refused("The search for BG/NBD's parameters did not converge.")
    bg_nbd = BgNbd(*found.parameters)
    if not _is_plausible(bg_nbd):
        return Refused(f"The parameters found are beyond belief: {bg_nbd}.")
    identified = _is_identified(found)
    reasons = [] if identified else [FLAT]
    spending = _spending(purchases, minor_units)
    if isinstance(spending, str):
        reasons.append(spending)
    elsewhere = (purchases.repeats, purchases.recency, age)
    days = (as_of - calibration_end).days
    return Fitted(
        bg_nbd,
        found.log_likelihood,
        identified=identified,
        gamma_gamma=None if isinstance(spending, str) else GammaGamma(*spending.parameters),
        spend_log_likelihood=None if isinstance(spending, str) else spending.log_likelihood,
        spend_customers=None if isinstance(spending, str) else int(_spenders(purchases).sum()),
        mean_value=_mean_value(purchases, minor_units),
        customers=len(age),
        calibration=validation.calibration(bg_nbd, buyers),
        holdout=validation.holdout(bg_nbd, elsewhere, purchases.bought_after, days)
        if days
        else None,
        tracking=validation.tracking(bg_nbd, purchases.tracked()),
        reason=" ".join(reasons) or None,
    )


def _is_identified(found: Optimum) -> bool:
    """Whether rate and dropout are known. How much customers differ in them need not be: where they do
    not differ, r and alpha, or a and b, grow together without end, and predictions stay the same."""
    rate, dropout = found.error(1, -1, 0, 0), found.error(0, 0, 1, -1)
    return max(rate, dropout) <= KNOWN


def _is_plausible(model: BgNbd) -> bool:
    """Whether the series of expected orders can be summed: in thousands of terms, for which `alpha` must
    not be less than the day that tells purchases apart, and in floats, for which the chance that a
    beginner buys nothing within the farthest horizon must not be too small."""
    growth = model.r * np.log1p(HORIZONS[-1] / DAYS_A_WEEK / model.alpha)
    return bool(model.alpha >= 1 / DAYS_A_WEEK and growth < _MOST_GROWTH)


def _spenders(purchases: Purchases) -> np.ndarray:
    return purchases.value_sum > 0


def _spending(purchases: Purchases, minor_units: int) -> Optimum | str:
    """Gamma-Gamma's optimum, or why it cannot be used."""
    chosen = _spenders(purchases)
    if int(chosen.sum()) < LEAST_REPEAT_BUYERS:
        return "Too few repeat buyers with money for a spending model: means stand in."
    days = purchases.value_days[chosen]
    mean = purchases.value_sum[chosen] / days / minor_units
    found = fit_gamma_gamma(days, mean)
    if not found.converged or found.parameters[1] <= 1:
        return "The spending model has no mean: means of what was spent stand in."
    return found


def _mean_value(purchases: Purchases, minor_units: int) -> float:
    days = int(purchases.value_days.sum())
    return float(purchases.value_sum.sum()) / days / minor_units if days else 0.0
