"""Gamma-Gamma by maximum likelihood (Fader & Hardie 2013, eq. 1a)."""

import numpy as np
from scipy.special import digamma, gammaln

from profile_service.value_model.fitting.bg_nbd import Days
from profile_service.value_model.fitting.optimum import Floats, Optimum, maximise


def fit_gamma_gamma(days: Days, mean: Floats) -> Optimum:
    """The parameters p, q, gamma under which customers spend `mean` (above 0) over so many `days`.

    Sought with the money in units of its own mean, so that a yen is as good as a dinar.
    """
    scale = float(mean.mean())
    found = maximise(_Likelihood(days, mean / scale), float(len(days)), 3)
    p, q, gamma = found.parameters
    return found._replace(
        parameters=(p, q, gamma * scale),
        log_likelihood=found.log_likelihood - len(days) * float(np.log(scale)),
    )


class _Likelihood:
    def __init__(self, days: Days, mean: Floats) -> None:
        self._days = np.arange(1, int(days.max()) + 1, dtype=np.float64)
        self._by_days = np.bincount(days)[1:].astype(np.float64)
        self._each = days.astype(np.float64)
        self._spent = self._each * mean
        self._log_mean = float(np.log(mean).sum())
        self._weighted = float(self._each @ np.log(self._spent))

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        p, q, gamma = (float(each) for each in theta)
        x, of_x, total = self._days, self._by_days, float(len(self._each))
        pooled = gamma + self._spent
        logs = np.log(pooled)
        plain, weighted = float(logs.sum()), float(self._each @ logs)
        value = float(of_x @ (gammaln(p * x + q) - gammaln(p * x)))
        value += total * (q * np.log(gamma) - gammaln(q)) - self._log_mean
        value += p * self._weighted - p * weighted - q * plain
        both = digamma(p * x + q)
        gradient = np.array(
            [
                float((of_x * x) @ (both - digamma(p * x))) + self._weighted - weighted,
                float(of_x @ both) + total * (np.log(gamma) - digamma(q)) - plain,
                total * q / gamma - float(((p * self._each + q) / pooled).sum()),
            ]
        )
        return value, gradient
