"""The lifecycle stage of a customer, by days, as long as no value model is fitted."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from perennial_events.catalogue.customers import Stage


class Thresholds(NamedTuple):
    """In days; see the settings of the same names."""

    new: int
    active: int
    lapsed: int


class Standing(NamedTuple):
    """A stage, whether the customer came back from having lapsed, and when time will change it."""

    stage: Stage
    won_back: bool
    due_at: datetime | None


PROSPECT = Standing("prospect", won_back=False, due_at=None)


def standing(bought_at: Sequence[datetime], now: datetime, days: Thresholds) -> Standing:
    """The stage of a customer who placed their paid orders at these times, oldest first.

    `new` is who has just begun; `active`, `at_risk` and `lapsed` go by the days since the last order.
    An order after a gap in which the customer had lapsed wins them back.
    """
    if not bought_at:
        return PROSPECT
    last = bought_at[-1]
    lapsed_after = timedelta(days=days.lapsed)
    won_back = any(after - before > lapsed_after for before, after in pairwise(bought_at))
    steps: list[tuple[Stage, datetime]] = [
        ("active", last + timedelta(days=days.active)),
        ("at_risk", last + lapsed_after),
    ]
    if not won_back:
        steps.insert(0, ("new", bought_at[0] + timedelta(days=days.new)))
    for stage, until in steps:
        if now <= until:
            return Standing(stage, won_back and stage == "active", until)
    return Standing("lapsed", won_back=False, due_at=None)
