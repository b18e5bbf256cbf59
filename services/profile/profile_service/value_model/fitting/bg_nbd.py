"""BG/NBD by maximum likelihood (Fader, Hardie & Lee 2005, eq. 6), over whole days and analytic gradients."""

from typing import NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from profile_service.value_model.fitting.optimum import Floats, Optimum, maximise
from profile_service.value_model.rules import DAYS_A_WEEK

Days: TypeAlias = NDArray[np.int64]


class Buyers(NamedTuple):
    """Customers in columns: repeat purchases, the day of the last one and the age, both counted in days
    from the first purchase; and how many customers are alike in all three (`number`)."""

    repeats: Days
    recency: Days
    age: Days
    number: Floats

    @classmethod
    def of(cls, repeats: Days, recency: Days, age: Days) -> Self:
        """One row for each kind of customer: many are alike, above all those who never came back."""
        if not len(repeats):
            return cls(repeats, recency, age, np.zeros(0))
        most, days = int(repeats.max()) + 1, int(age.max()) + 1
        # One number for the three: a sort of integers is a tenth of a sort of rows.
        kinds, count = np.unique((age * days + recency) * most + repeats, return_counts=True)
        rest, repeats = np.divmod(kinds, most)
        age, recency = np.divmod(rest, days)
        return cls(repeats, recency, age, count.astype(np.float64))


def fit_bg_nbd(buyers: Buyers) -> Optimum:
    """The parameters r, alpha, a, b under which these purchases are the most likely; time in weeks."""
    return maximise(_Likelihood(buyers), float(buyers.number.sum()), 4)


class _Likelihood:
    """Sums by repeats and by days are made once: special functions and logarithms are then taken of a few
    hundred numbers, and only what ties the three together is taken of each row."""

    def __init__(self, buyers: Buyers) -> None:
        repeats, recency, age, count = buyers
        self._total = float(count.sum())
        self._weeks = np.arange(int(age.max()) + 1) / DAYS_A_WEEK
        self._repeats = np.arange(int(repeats.max()) + 1, dtype=np.float64)
        self._by_repeats = np.bincount(repeats, count)
        self._by_age = np.bincount(age, count)
        self._purchases_by_age = np.bincount(age, count * repeats)
        again = repeats > 0
        self._again = (repeats[again], recency[again], age[again], count[again])

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        r, alpha, a, b = (float(each) for each in theta)
        x, of_x, total = self._repeats, self._by_repeats, self._total
        exposed = alpha + self._weeks
        logs, inverse = np.log(exposed), 1 / exposed
        value = float(of_x @ (gammaln(r + x) + gammaln(b + x) - gammaln(a + b + x)))
        value += total * (r * np.log(alpha) - gammaln(r) + gammaln(a + b) - gammaln(b)) - float(
            logs @ (r * self._by_age + self._purchases_by_age)
        )
        lost = total * digamma(a + b) - float(of_x @ digamma(a + b + x))
        gradient = np.array(
            [
                total * (np.log(alpha) - digamma(r))
                + float(of_x @ digamma(r + x))
                - float(logs @ self._by_age),
                total * r / alpha - float(inverse @ (r * self._by_age + self._purchases_by_age)),
                lost,
                lost - total * digamma(b) + float(of_x @ digamma(b + x)),
            ]
        )
        more, slopes = self._stopped(r, a, b, logs, inverse)
        return value + more, gradient + slopes

    def _stopped(
        self, r: float, a: float, b: float, logs: Floats, inverse: Floats
    ) -> tuple[float, Floats]:
        """The part of those who came back: log(1 + odds of having stopped), the odds by logarithm."""
        repeats, recency, age, count = self._again
        if not len(repeats):
            return 0.0, np.zeros(4)
        kept = b - 1 + self._repeats
        kept[0] = 1.0  # nobody here has no repeat
        waited = logs[age] - logs[recency]
        bought = r + repeats
        odds = np.log(a) - np.log(kept)[repeats] + bought * waited
        small = np.exp(-np.abs(odds))
        value = float(count @ (np.log1p(small) + np.maximum(odds, 0.0)))
        gone = count * np.where(odds > 0, 1.0, small) / (1 + small)
        return value, np.array(
            [
                float(gone @ waited),
                float((gone * bought) @ (inverse[age] - inverse[recency])),
                float(gone.sum()) / a,
                -float(gone @ (1 / kept)[repeats]),
            ]
        )
