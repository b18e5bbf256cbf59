"""Maximum likelihood over positive parameters, and what the optimum is worth."""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

Floats: TypeAlias = NDArray[np.float64]

Likelihood = Callable[[Floats], tuple[float, Floats]]
"""Parameters to log-likelihood and its gradient."""

LOG_BOUND = 9.0
"""Parameters are sought between e^-9 and e^9: the search ends also where the likelihood has no summit."""

GRADIENT_ENDS = 1e-6
"""A customer's share of the gradient that counts as none."""

KNOWN = 2.0
"""What is known to a factor of e^2 only, its standard error in logarithms, counts as not known."""

_STEP = 1e-4
_LEAST_CURVATURE = 1e-3
_STARTS = (0.0, -1.0, 1.0)


class Optimum(NamedTuple):
    """Where the search ended; `covariance` is of the parameters' logarithms."""

    parameters: tuple[float, ...]
    log_likelihood: float
    converged: bool
    covariance: Floats

    def error(self, *contrast: float) -> float:
        """The standard error of a sum of the parameters' logarithms: (1, -1) is of a ratio."""
        weights = np.array(contrast)
        return float(np.sqrt(weights @ self.covariance @ weights))


def maximise(likelihood: Likelihood, count: float, parameters: int) -> Optimum:
    """The maximum of a likelihood of `count` customers, sought over the parameters' logarithms.

    Starts where all are 1, as is customary, and elsewhere when that does not converge.
    """

    def cost(logs: Floats) -> tuple[float, Floats]:
        theta = np.exp(logs)
        value, gradient = likelihood(theta)
        return -value / count, -gradient * theta / count

    best = None
    for start in _STARTS:
        found = minimize(
            cost,
            np.full(parameters, start),
            jac=True,
            method="L-BFGS-B",
            bounds=[(-LOG_BOUND, LOG_BOUND)] * parameters,
            options={"ftol": 1e-15, "gtol": 1e-9, "maxiter": 500},
        )
        if best is None or found.fun < best.fun:
            best = found
        if _is_summit(found.x, found.jac) and np.isfinite(found.fun):
            break
    assert best is not None  # noqa: S101 - there is at least one start
    return Optimum(
        parameters=tuple(float(each) for each in np.exp(best.x)),
        log_likelihood=float(-best.fun * count),
        converged=bool(np.isfinite(best.fun)) and _is_summit(best.x, best.jac),
        covariance=_covariance(cost, best.x, count),
    )


def _is_summit(logs: Floats, gradient: Floats) -> bool:
    """Whether nothing rises from here, but for what lies outside of the bounds."""
    inside = np.clip(logs - gradient, -LOG_BOUND, LOG_BOUND) - logs
    return bool(np.all(np.abs(inside) < GRADIENT_ENDS))


def _covariance(cost: Likelihood, logs: Floats, count: float) -> Floats:
    """The inverse of the likelihood's curvature: central differences of the analytic gradient.

    Where there is next to no curvature, as along a ridge, the variance is huge and not infinite, so that
    what the ridge leaves well known can still be told.
    """
    rows = [
        (cost(logs + step)[1] - cost(logs - step)[1]) / (2 * _STEP)
        for step in _STEP * np.eye(len(logs))
    ]
    hessian = np.array(rows) * count
    curvatures, directions = np.linalg.eigh((hessian + hessian.T) / 2)
    return np.asarray(
        (directions / np.maximum(curvatures, _LEAST_CURVATURE)) @ directions.T, dtype=np.float64
    )
