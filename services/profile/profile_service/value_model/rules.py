"""What a fitted model says of one customer, in closed form: no arrays, no I/O, microseconds.

Sources: BG/NBD, Fader, Hardie & Lee, Marketing Science 24 (2005) 275; Gamma-Gamma, Fader & Hardie,
"The Gamma-Gamma Model of Monetary Value" (2013). Purchases of one day (UTC) are one; time runs in
weeks from the day of the first purchase, which is no repeat purchase.
"""

import math
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

DAYS_A_WEEK = 7
HORIZONS = (90, 180, 270, 365)
"""Days ahead for which orders are expected: the first is `expected_orders_90d`, all make the value."""

PRECISION = 1e-10
"""The relative error at which a series ends."""

NOTHING = 1e-15
"""A probability this small is rounding."""

FARTHEST = timedelta(days=3650)
"""What lies farther ahead than this is not foretold."""

MOST_VALUE = 10**15
"""The bound that money has everywhere."""


class BgNbd(NamedTuple):
    """Buying: rates are Gamma(r, alpha) in weeks; after each repeat purchase a customer stops with a
    probability that is Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float


class GammaGamma(NamedTuple):
    """Spending: a day's purchase is Gamma(p, v), and v is Gamma(q, gamma); in major units."""

    p: float
    q: float
    gamma: float


class History(NamedTuple):
    """A customer's days of purchase: the first, the last, how many after the first, and their money
    (`value_sum` of those `value_days` whose money is known, in minor units)."""

    first_day: date
    last_day: date
    repeats: int
    value_days: int
    value_sum: int


class Model(NamedTuple):
    """A fitted model with all that a prediction takes."""

    model: int
    bg_nbd: BgNbd
    gamma_gamma: GammaGamma | None
    identified: bool
    """False where the likelihood is nearly flat: customers are ranked, and stages go by days."""
    mean_value: float
    """What a repeat day comes to on average, in major units; stands in where there is no Gamma-Gamma."""
    minor_units: int
    """How many minor units of the base currency make a major one: 100 for EUR."""
    discount_rate: float
    """A year's: .1 makes 110 of next year 100 of today."""
    pinned_to: date | None
    """Customers are seen from this day and not from today, because a past `as_of` was asked for."""
    fitted_at: datetime

    def day(self, now: datetime, last_day: date) -> date:
        """From which day to look at a customer: never from before their last order."""
        return max(self.pinned_to or now.astimezone(UTC).date(), last_day)


class Prediction(NamedTuple):
    p_alive: float
    expected_orders_90d: float
    clv_365d: int
    next_order_by: datetime | None


def predict(model: Model, history: History, day: date) -> Prediction:
    """What the model says of a customer with this history, seen from `day`.

    `clv_365d` is the expected spend of the next 365 days in minor units, no margin taken: each
    quarter's expected orders times the expected value of one, discounted from the quarter's middle.
    """
    bg_nbd = model.bg_nbd
    recency = (history.last_day - history.first_day).days / DAYS_A_WEEK
    age = (day - history.first_day).days / DAYS_A_WEEK
    alive = p_alive(bg_nbd, history.repeats, recency, age)
    ahead = [
        alive * orders_if_alive(bg_nbd, history.repeats, age, days / DAYS_A_WEEK)
        for days in HORIZONS
    ]
    discounted = sum(
        (until - before) * factor
        for before, until, factor in zip(
            (0.0, *ahead), ahead, discounts(model.discount_rate), strict=False
        )
    )
    value = discounted * expected_value(model, history) * model.minor_units
    return Prediction(
        alive,
        ahead[0],
        round(min(value, MOST_VALUE)),
        next_order_by(bg_nbd, history),
    )


def discounts(rate: float) -> list[float]:
    """By which each quarter's money is multiplied."""
    middles = [
        (before + until) / 2 for before, until in zip((0, *HORIZONS), HORIZONS, strict=False)
    ]
    return [(1 + rate) ** (-middle / 365) for middle in middles]


def p_alive(model: BgNbd, repeats: int, recency: float, age: float) -> float:
    """The probability that the customer has not stopped (Fader, Hardie & Lee 2008, "Computing P(alive)
    Using the BG/NBD Model", eq. 1). In this model nobody stops before the first repeat: then it is 1."""
    if repeats == 0:
        return 1.0
    return 1 / (1 + math.exp(min(_odds_gone(model, repeats, recency, age), 700.0)))


def _odds_gone(model: BgNbd, repeats: int, recency: float, age: float) -> float:
    """The logarithm of the odds of having stopped."""
    r, alpha, a, b = model
    waited = math.log(alpha + age) - math.log(alpha + recency)
    return math.log(a) - math.log(b + (repeats - 1)) + (r + repeats) * waited


def age_when_below(model: BgNbd, repeats: int, recency: float, threshold: float) -> float:
    """The age, in weeks, after which P(alive) is below `threshold` unless the customer buys again.

    It may be the last purchase itself. Infinite where no time will do.
    """
    r, alpha, a, b = model
    odds = math.log(1 / threshold - 1) + math.log(b + (repeats - 1)) - math.log(a)
    reached = math.log(alpha + recency) + odds / (r + repeats)
    return max(recency, math.exp(reached) - alpha) if reached < 700 else math.inf


def orders_if_alive(model: BgNbd, repeats: int, age: float, weeks: float) -> float:
    """Purchase days expected in the next `weeks` of a customer who has not stopped (2005, eq. 10).

    The paper's 2F1 is singular at a = 1 and alternates where r is large. The same expectation, summed
    over the purchases to come: the i-th happens if a customer who never stops makes as many (negative
    binomial with R = r+x and z = t/(alpha+T)) and if this one outlives the i-1 before it (a product of
    Beta means). All terms are positive, and what is left after i of them is less than the i-th survival
    times what is left of R z, the sum of all the probabilities: there the series ends, at a relative
    error of `PRECISION`, or an absolute one of 1e-12.
    """
    if weeks <= 0:
        return 0.0
    r, alpha, a, b = model
    rate, kept = r + repeats, b + repeats
    z = weeks / (alpha + age)
    y = z / (1 + z)
    none = -rate * math.log1p(z)
    exactly, more = math.exp(none), -math.expm1(none)
    left, survives, total, i = rate * z, 1.0, 0.0, 0
    while True:
        total += survives * more
        left -= more
        survives *= (kept + i) / (a + kept + i)
        exactly *= y * (rate + i) / (i + 1)
        more -= exactly
        i += 1
        if survives * left <= PRECISION * total or more <= NOTHING:
            return total


def expected_value(model: Model, history: History) -> float:
    """What one of the customer's next purchase days comes to, in major units (2013, eq. 5).

    Between their own mean and everybody's; without a Gamma-Gamma model, their own or everybody's.
    """
    days = history.value_days
    total = history.value_sum / model.minor_units
    if model.gamma_gamma is None:
        return total / days if days else model.mean_value
    p, q, gamma = model.gamma_gamma
    return p * (gamma + total) / (p * days + q - 1)


def next_order_by(model: BgNbd, history: History) -> datetime | None:
    """By when a customer of this rhythm, who has not stopped, has bought again in one case of two.

    Counted from the last purchase, so that it stands still until the next one. None where it lies
    farther ahead than ten years.
    """
    recency = (history.last_day - history.first_day).days / DAYS_A_WEEK
    days = (
        DAYS_A_WEEK
        * (model.alpha + recency)
        * math.expm1(min(math.log(2) / (model.r + history.repeats), 700.0))
    )
    if days > FARTHEST.days:
        return None
    return later(midnight(history.last_day), math.ceil(days))


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def later(at: datetime, days: int) -> datetime | None:
    """So many days on; None beyond the calendar's end, for which an order may be dated."""
    try:
        return at + timedelta(days=days)
    except OverflowError:
        return None
