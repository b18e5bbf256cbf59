"""Costs, problems and trends, as rules."""

import pytest

from profile_service.worth.rules import Year, is_problem, trend


@pytest.mark.parametrize(
    ("year", "problem"),
    [
        (Year(orders=6, gross=6000, refunded=3000, returns=3, complaints=0), True),
        (Year(orders=6, gross=6000, refunded=2999, returns=3, complaints=0), False),
        (Year(orders=6, gross=6000, refunded=6000, returns=2, complaints=0), False),
        (Year(orders=3, gross=0, refunded=0, returns=3, complaints=0), False),
        (Year(orders=2, gross=500, refunded=0, returns=0, complaints=3), True),
        (Year(orders=3, gross=500, refunded=0, returns=0, complaints=3), False),
        (Year(orders=0, gross=0, refunded=0, returns=0, complaints=2), False),
    ],
)
def test_who_is_a_problem(year: Year, problem: bool) -> None:
    assert is_problem(year) is problem


@pytest.mark.parametrize(
    ("recent", "before", "expected"),
    [(125, 100, 1), (124, 100, 0), (81, 100, 0), (80, 100, -1), (-5, 100, -1), (100, 0, 0), (9, -9, 0)],
)  # fmt: skip
def test_a_trend_is_a_quarter_more_or_as_much_less(recent: int, before: int, expected: int) -> None:
    assert trend(recent, before) == expected
