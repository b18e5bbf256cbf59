"""What serving a customer costs, and which customers stand out. Amounts are minor units of the base currency."""

from collections.abc import Mapping
from typing import NamedTuple

from perennial_events.catalogue.engagement import Channel

PROBLEM_OCCASIONS = 3
"""Of fewer returns, or fewer complaints, nobody makes a problem."""


class Costs(NamedTuple):
    """What it costs to serve; see the settings of the same names."""

    case: int
    product_return: int
    thousand_messages: Mapping[Channel, int]


class Year(NamedTuple):
    """A customer's last 365 days: paid orders, what they came to, what was paid back of it, returns and
    complaints."""

    orders: int
    gross: int
    refunded: int
    returns: int
    complaints: int


def is_problem(year: Year) -> bool:
    """Whether somebody should have a look at how this customer is served.

    Who sent back at least 3 times and got back at least half of what they paid, or complained at least
    3 times and more often than they ordered. A hint for people: nothing is refused because of it.
    """
    sends_back = year.returns >= PROBLEM_OCCASIONS and 2 * year.refunded >= year.gross > 0
    return sends_back or year.complaints >= max(PROBLEM_OCCASIONS, year.orders + 1)


def trend(recent: int, before: int) -> int:
    """1 where the margin of the last 182 days is at least 5/4 of that of the 182 days before, -1 where it
    is at most 4/5 of it, else 0. Who brought in nothing before has no trend."""
    if before <= 0:
        return 0
    if 4 * recent >= 5 * before:
        return 1
    return -1 if 5 * recent <= 4 * before else 0
