"""The pipeline's stages, what each makes a sale worth, and what a sale earns its owner."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

Stage = Literal["lead", "qualified", "proposal", "negotiation", "won", "lost"]
OpenStage = Literal["lead", "qualified", "proposal", "negotiation"]

PROBABILITY: dict[Stage, int] = {
    "lead": 10,
    "qualified": 25,
    "proposal": 50,
    "negotiation": 75,
    "won": 100,
    "lost": 0,
}
"""In percent: how many of the sales that stand in a stage come true."""

_EVERY: dict[Stage, Stage] = {
    "lead": "lead",
    "qualified": "qualified",
    "proposal": "proposal",
    "negotiation": "negotiation",
    "won": "won",
    "lost": "lost",
}

TRANSITIONS: dict[Stage, dict[Stage, Stage]] = {
    **{
        stage: {to: to for to in _EVERY if to != stage}
        for stage in ("lead", "qualified", "proposal", "negotiation")
    },
    "won": {},
    "lost": {"lead": "lead", "qualified": "qualified"},
}
"""A move is named for the stage it leads to. Sales go back and forth; one that is won stays won."""


def weighted(value: int, stage: Stage) -> int:
    """What a sale of `value` counts for in the forecast, half to even."""
    return _percent(value, Decimal(PROBABILITY[stage]))


def commission(sold: int, percent: Decimal) -> int:
    """What the owner gets of net sales, half to even; negative where more was returned than sold."""
    return _percent(sold, percent)


def _percent(amount: int, percent: Decimal) -> int:
    return int((amount * percent / 100).quantize(Decimal(1), ROUND_HALF_EVEN))


def month_start(month: str, later: int = 0) -> date:
    """The first day of `month` (`2026-03`), or of the one so many months later."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 1 + later, 12)
    return date(year, number + 1, 1)
