"""What the grades mean, as SQL expressions over a row `m` of measures and the thresholds `t`.

One text serves both uses: a few customers after an event, and the whole base when thresholds move. Who
has no paid order has no grade, and neither has anybody before the first thresholds are there.

**Score**: recency, frequency and monetary value, a digit each, 5 the best (Hughes 1994): which fifth of
the shop's buyers the customer stands in, by the day of the last order, the number of orders, and what
they came to. Equal values get the same, lower, digit.

**Value tier** (the customer pyramid; Zeithaml, Rust & Lemon 2001): by the margin of the last 365 days.
`key`: the first 1 % of buyers, `major`: the next 4 %, `ordinary`: the next 15 %, `small`: the rest.
Places are rounded up, so that a shop of ten has one key customer; who equals the last of a tier is in
it; without a positive margin everybody is `small`.

**Value segment** (after Peppers & Rogers 1993, chapter 4) by *net value*: the margin expected of the
next 365 days, less the cost to serve of the last 365.
`below_zero`: the net value is negative. `most_valuable`: among the first fifth of buyers by it.
`most_growable`: not there yet, but would be if they bought, at their own margin an order, as often as
the shop's most frequent fifth does (at least twice a year). `standard`: everybody else.
"""

LARGEST = 10**15
"""Sums are kept within what an amount may be, whatever somebody feeds in."""


def clamped(amount: str) -> str:
    return f"CAST(least(greatest({amount}, -{LARGEST}), {LARGEST}) AS bigint)"


def _digit(value: str, bounds: str) -> str:
    above = " + ".join(f"CAST({value} > {bounds}[{fifth}] AS integer)" for fifth in range(1, 5))
    return f"(1 + {above})"


SCORE = f"""
    CASE WHEN m.frequency > 0 AND t.computed_at IS NOT NULL THEN
        CAST(100 * {_digit("m.last_order_at", "t.recency")} + 10 * {_digit("m.frequency", "t.frequency")}
             + {_digit("m.monetary", "t.monetary")} AS text)
    END
"""

TIER = """
    CASE
        WHEN m.frequency = 0 OR t.computed_at IS NULL THEN NULL
        WHEN m.margin_365d >= t.key_from THEN 'key'
        WHEN m.margin_365d >= t.major_from THEN 'major'
        WHEN m.margin_365d >= t.ordinary_from THEN 'ordinary'
        ELSE 'small'
    END
"""

SEGMENT = """
    CASE
        WHEN m.frequency = 0 OR t.computed_at IS NULL THEN NULL
        WHEN m.expected_margin < m.cost_to_serve THEN 'below_zero'
        WHEN m.expected_margin - m.cost_to_serve >= t.most_valuable_from THEN 'most_valuable'
        WHEN m.orders_365d > 0 AND CAST(m.margin_365d AS numeric) * t.frequent_orders / m.orders_365d
             - m.cost_to_serve >= t.most_valuable_from THEN 'most_growable'
        ELSE 'standard'
    END
"""
