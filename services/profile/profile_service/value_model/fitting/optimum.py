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

FLAT_CURVATURE = 0.25
"""A direction in which parameters move by e^2 at a cost in log-likelihood of less than a half is flat."""

_STEP = 1e-4
_STARTS = (0.0, -1.0, 1.0)


class Optimum(NamedTuple):
    """Where the search ended. `errors`: standard errors of the parameters' logarithms, not a number
    where the likelihood is flat."""

    parameters: tuple[float, ...]
    log_likelihood: float
    converged: bool
    flat: bool
    errors: tuple[float, ...]


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
    curvature = _curvature(cost, best.x) * count
    at_bound = bool(np.any(np.abs(best.x) >= LOG_BOUND - 1e-6))
    flat = at_bound or bool(np.linalg.eigvalsh(curvature)[0] < FLAT_CURVATURE)
    errors = np.full(parameters, np.nan) if flat else np.sqrt(np.diag(np.linalg.inv(curvature)))
    return Optimum(
        parameters=tuple(float(each) for each in np.exp(best.x)),
        log_likelihood=float(-best.fun * count),
        converged=bool(np.isfinite(best.fun)) and _is_summit(best.x, best.jac),
        flat=flat,
        errors=tuple(float(each) for each in errors),
    )


def _is_summit(logs: Floats, gradient: Floats) -> bool:
    """Whether nothing rises from here, but for what lies outside of the bounds."""
    inside = np.clip(logs - gradient, -LOG_BOUND, LOG_BOUND) - logs
    return bool(np.all(np.abs(inside) < GRADIENT_ENDS))


def _curvature(cost: Likelihood, logs: Floats) -> Floats:
    """The Hessian of the cost: central differences of the analytic gradient."""
    rows = [
        (cost(logs + step)[1] - cost(logs - step)[1]) / (2 * _STEP)
        for step in _STEP * np.eye(len(logs))
    ]
    hessian = np.array(rows)
    return np.asarray((hessian + hessian.T) / 2, dtype=np.float64)
