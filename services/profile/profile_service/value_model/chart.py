"""`calibration.svg`: what a model expected beside what happened, as one picture of two panels."""

import math
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import NamedTuple
from xml.sax.saxutils import escape

from profile_service.value_model.models import ValueModel
from profile_service.value_model.rules import DAYS_A_WEEK

_WIDTH, _HEIGHT = 1000, 430
_ACTUAL, _EXPECTED, _INK, _FAINT = "#334155", "#e8833a", "#1e293b", "#e2e8f0"
_QUIET = "#64748b"
_BAR_SHARE = 0.36
_LABEL_WIDTH = 90


class _Panel(NamedTuple):
    """A plot's place on the page, and the numbers at its edges."""

    left: float
    top: float
    width: float
    height: float
    most_x: float
    most_y: float

    def x(self, value: float) -> float:
        return round(self.left + self.width * value / self.most_x, 1)

    def y(self, value: float) -> float:
        return round(self.top + self.height * (1 - value / self.most_y), 1)


def draw(model: ValueModel) -> str:
    """The picture as SVG: bars by class of customers, lines week by week with the calibration's end."""
    heading = (
        f"BG/NBD fitted on {model.customers:,} customers to {model.calibration_end}"
        f" · r {model.r:.3f}, alpha {model.alpha:.3f}, a {model.a:.3f}, b {model.b:.3f}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        f' width="{_WIDTH}" height="{_HEIGHT}" font-family="system-ui, Helvetica, Arial, sans-serif"'
        f' font-size="12" fill="{_INK}">',
        f"<title>{escape(heading)}</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(56, 30, "Value model: expected against actual", size=16, weight="600"),
        _text(56, 50, heading, colour=_QUIET),
        *_legend(),
        *_classes(model),
        *_weeks(model),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _legend() -> Iterable[str]:
    for place, (name, colour) in enumerate((("actual", _ACTUAL), ("expected", _EXPECTED))):
        x = 820 + place * 76
        yield f'<rect x="{x}" y="20" width="11" height="11" rx="2" fill="{colour}"/>'
        yield _text(x + 17, 30, name)


def _classes(model: ValueModel) -> Iterable[str]:
    """Orders a customer in the holdout, by repeat orders before; without a holdout, customers a class."""
    if model.holdout is not None:
        table, weeks = model.holdout["table"], model.holdout["weeks"]
        yield _text(56, 88, f"Orders a customer in the {weeks:g} weeks after", weight="600")
    else:
        table = model.calibration["table"]
        yield _text(56, 88, "Customers by their repeat orders (nothing held out)", weight="600")
    most = max(max(row["actual"], row["expected"]) for row in table)
    ticks = _ticks(most)
    panel = _Panel(56, 104, 380, 260, len(table), ticks[-1])
    yield from _grid(panel, ticks)
    for place, row in enumerate(table):
        for offset, name, colour in ((0.0, "actual", _ACTUAL), (_BAR_SHARE, "expected", _EXPECTED)):
            x = panel.x(place + 0.5 - _BAR_SHARE + offset)
            y = panel.y(row[name])
            yield (
                f'<rect x="{x}" y="{y}" width="{panel.width / len(table) * _BAR_SHARE - 1:.1f}"'
                f' height="{panel.y(0) - y:.1f}" fill="{colour}">'
                f"<title>{row['repeat']} repeat orders: {name} {row[name]:,.3g}</title></rect>"
            )
        yield _text(panel.x(place + 0.5), 382, row["repeat"], anchor="middle")
    yield _text(
        panel.left + panel.width / 2, 404, "repeat orders in the calibration", "middle", _QUIET
    )


def _weeks(model: ValueModel) -> Iterable[str]:
    actual, expected = model.tracking["actual"], model.tracking["expected"]
    origin = date.fromisoformat(model.tracking["origin"])
    yield _text(540, 88, "Repeat orders, cumulative", weight="600")
    ticks = _ticks(max(*actual, *expected, 1))
    panel = _Panel(540, 104, 420, 260, len(actual), ticks[-1])
    yield from _grid(panel, ticks)
    end = panel.x(min((model.calibration_end - origin).days / DAYS_A_WEEK, len(actual)))
    yield (
        f'<line x1="{end}" x2="{end}" y1="{panel.top}" y2="{panel.y(0)}" stroke="{_QUIET}"'
        ' stroke-dasharray="4 4"/>'
    )
    before = end > panel.left + _LABEL_WIDTH
    yield _text(
        end + (-6 if before else 6), 118, "calibration ends", "end" if before else "start", _QUIET
    )
    for values, colour, dashes in ((actual, _ACTUAL, ""), (expected, _EXPECTED, "6 4")):
        points = " ".join(
            f"{panel.x(week)},{panel.y(value)}" for week, value in enumerate((0, *values))
        )
        yield (
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"'
            f' stroke-linejoin="round" stroke-dasharray="{dashes or "none"}"/>'
        )
    for share in (0.0, 0.5, 1.0):
        day = origin + timedelta(weeks=round(share * len(actual)))
        anchor = {0.0: "start", 0.5: "middle", 1.0: "end"}[share]
        yield _text(panel.x(share * len(actual)), 382, day.isoformat(), anchor)
    yield _text(
        panel.left + panel.width / 2, 404, "by week, from the shop's first order", "middle", _QUIET
    )


def _grid(panel: _Panel, ticks: Sequence[float]) -> Iterable[str]:
    for tick in ticks:
        y = panel.y(tick)
        yield (
            f'<line x1="{panel.left}" x2="{panel.left + panel.width}" y1="{y}" y2="{y}"'
            f' stroke="{_FAINT if tick else _QUIET}"/>'
        )
        yield _text(panel.left - 8, y + 4, f"{tick:,g}", "end", _QUIET)


def _ticks(most: float) -> list[float]:
    """Five or six round numbers from 0 to at least `most`."""
    rough = max(most, 1e-9) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= rough)
    return [round(step * place, 9) for place in range(math.ceil(most / step) + 1)] or [0.0, step]


def _text(
    x: float,
    y: float,
    text: str,
    anchor: str = "start",
    colour: str = _INK,
    *,
    size: int = 12,
    weight: str = "400",
) -> str:
    return (
        f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}" font-size="{size}"'
        f' font-weight="{weight}">{escape(text)}</text>'
    )
