"""The lifecycle stage of a customer: by days, and by their own rhythm once a value model is fitted."""

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from perennial_events.catalogue.customers import Stage
from profile_service.value_model.rules import (
    DAYS_A_WEEK,
    FARTHEST,
    BgNbd,
    age_when_below,
    later,
    midnight,
)


class Thresholds(NamedTuple):
    """In days, and as P(alive); see the settings of the same names."""

    new: int
    active: int
    lapsed: int
    at_risk_p_alive: float = 0.5
    lapsed_p_alive: float = 0.2


class Standing(NamedTuple):
    """A stage, whether the customer came back from having lapsed, and when time will change it."""

    stage: Stage
    won_back: bool
    due_at: datetime | None


PROSPECT = Standing("prospect", won_back=False, due_at=None)


class Reach(NamedTuple):
    """The last moment of being `active` after an order (`rests`), and of not having lapsed.

    None: longer than anybody looks ahead.
    """

    rests: datetime | None
    lapses: datetime | None


def standing(
    bought_at: Sequence[datetime], now: datetime, days: Thresholds, model: BgNbd | None = None
) -> Standing:
    """The stage of a customer who placed their paid orders at these times, oldest first.

    `new` is who has just begun. Then P(alive) decides with a model, of a customer who has come back, and
    days since the last order decide otherwise: of somebody who bought once, BG/NBD tells no P(alive).
    An order after a gap in which the customer had lapsed wins them back.
    """
    if not bought_at:
        return PROSPECT
    reaches = list(_reaches(bought_at, days, model))
    won_back = any(
        reach.lapses is not None and reach.lapses < following
        for reach, following in zip(reaches, bought_at[1:], strict=False)
    )
    last = reaches[-1]
    steps: list[tuple[Stage, datetime | None]] = [("active", last.rests), ("at_risk", last.lapses)]
    if not won_back:
        steps.insert(0, ("new", later(bought_at[0], days.new)))
    for stage, until in steps:
        if until is None or now <= until:
            return Standing(stage, won_back and stage == "active", until)
    return Standing("lapsed", won_back=False, due_at=None)


def reason(stage: Stage, bought_at: Sequence[datetime], model: BgNbd | None) -> str:
    """By which rule somebody who placed orders at these times has come to stand in `stage`."""
    came_back = len({at.astimezone(UTC).date() for at in bought_at}) > 1
    by_rhythm = model is not None and came_back and stage not in ("prospect", "new")
    return "p_alive" if by_rhythm else "days"


def _reaches(
    bought_at: Sequence[datetime], days: Thresholds, model: BgNbd | None
) -> Iterator[Reach]:
    """How far each of the orders reaches, as long as none follows."""
    first = last = bought_at[0].astimezone(UTC).date()
    repeats = 0
    for at in bought_at:
        day = at.astimezone(UTC).date()
        repeats += day > last
        last = day
        if model is None or repeats == 0:
            yield Reach(later(at, days.active), later(at, days.lapsed))
        else:
            yield Reach(
                _last_moment(model, repeats, first, last, days.at_risk_p_alive),
                _last_moment(model, repeats, first, last, days.lapsed_p_alive),
            )


def _last_moment(
    model: BgNbd, repeats: int, first: date, last: date, threshold: float
) -> datetime | None:
    """The end of the last day on which P(alive) is not below the threshold."""
    recency = (last - first).days
    age = age_when_below(model, repeats, recency / DAYS_A_WEEK, threshold) * DAYS_A_WEEK
    if age - recency > FARTHEST.days:
        return None
    end = later(midnight(first), math.floor(age) + 1)
    return None if end is None else end - timedelta(microseconds=1)
