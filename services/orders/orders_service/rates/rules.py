"""Exchange: from an order's currency into the shop's base currency."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import NamedTuple

from perennial_events.values import MAX_AMOUNT
from perennial_http import decimals


class Rate(NamedTuple):
    """`rate` major units of the base currency are paid for one major unit of the other, as of `day`."""

    base: str
    rate: Decimal
    day: date | None = None


def to_base(amount: int, currency: str, rate: Rate | None) -> int | None:
    """`amount` minor units of `currency` in minor units of the base currency, half to even.

    None without a rate, or where it is more than an amount may be: such money is left out of sums,
    never guessed.
    """
    if rate is None:
        return None
    if rate.base == currency:
        return amount
    shift = decimals(rate.base) - decimals(currency)
    converted = (amount * rate.rate).scaleb(shift)
    if converted > MAX_AMOUNT:
        return None
    return int(converted.quantize(Decimal(1), ROUND_HALF_EVEN))
