"""Figures: measured, held against their targets, written as JSON and shown as a table."""

import json
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from rich.console import Console
from rich.table import Table

from bench.targets import TARGETS

RESULTS = Path(__file__).parent / "results"
_WIDTH = 120


class Figure(BaseModel):
    """One figure of one log. `met` is None where nothing is promised."""

    value: float
    unit: str
    target: str | None = None
    met: bool | None = None
    floor: float | None = None
    """What the bare program beside it reached, in the same unit."""
    ratio: float | None = None
    ratio_target: float | None = None
    offered: str
    errors: int = 0
    failures: dict[str, int] = {}
    rounds: list[float] = []
    """The rounds whose median `value` is, in their order."""
    notes: dict[str, float] = {}

    @property
    def failed(self) -> bool:
        return self.met is False or self.errors > 0


def figure(
    name: str,
    rounds: Sequence[float],
    *,
    offered: str,
    unit: str = "",
    floor: Sequence[float] = (),
    failures: Sequence[dict[str, int]] = (),
    notes: dict[str, float] | None = None,
) -> Figure:
    """The median of the rounds, beside the median of the floor's, against the target of that name."""
    value = statistics.median(rounds)
    floor_value = statistics.median(floor) if floor else None
    ratio = value / floor_value if floor_value else None
    summed: dict[str, int] = {}
    for each in failures:
        for reason, count in each.items():
            summed[reason] = summed.get(reason, 0) + count
    found = Figure(
        value=_rounded(value),
        unit=unit,
        floor=None if floor_value is None else _rounded(floor_value),
        ratio=None if ratio is None else round(ratio, 3),
        offered=offered,
        errors=sum(summed.values()),
        failures=summed,
        rounds=[_rounded(each) for each in rounds] if len(rounds) > 1 else [],
        notes={key: _rounded(each) for key, each in (notes or {}).items()},
    )
    return _judged(name, found, value, ratio)


def _judged(name: str, found: Figure, value: float, ratio: float | None) -> Figure:
    target = TARGETS.get(name)
    if target is None:
        return found
    sign = "≥" if target.bound == "at least" else "≤"
    met = _within(value, target.value, target.bound)
    if target.ratio is not None:
        met = met and ratio is not None and _within(ratio, target.ratio, target.bound)
    return found.model_copy(
        update={
            "unit": target.unit,
            "target": f"{sign} {target.value:,.10g}",
            "met": met,
            "ratio_target": target.ratio,
        }
    )


def _within(value: float, bound: float, side: str) -> bool:
    return value >= bound if side == "at least" else value <= bound


def _rounded(value: float) -> float:
    """Four significant digits are more than a benchmark is worth."""
    return float(f"{value:.4g}") if abs(value) < 1_000 else float(round(value))


Figures = dict[str, Figure]


def write(path: Path, figures: dict[str, Figures], circumstances: dict[str, Any]) -> None:
    """Store the figures by log. Those of a log that was not run now stay, with their own date."""
    try:
        stored = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        stored = {}
    stored.setdefault("machine", {}).update(circumstances)
    for log, found in figures.items():
        stored[log] = {name: each.model_dump(exclude_none=True) for name, each in found.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n")


def show(log: str, figures: Figures) -> None:
    """The figures of one log as a table on the terminal, what was offered beneath it."""
    # Wide enough where the output is no terminal: a name that is cut is of no use.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    table = Table(title=f"Perennial on the {log} log", title_justify="left")
    table.add_column("figure", no_wrap=True)
    for heading in ("value", "target", "floor", "ratio", "errors"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for name, found in figures.items():
        table.add_row(
            name,
            f"{found.value:,.10g} {found.unit}",
            found.target or "",
            "" if found.floor is None else f"{found.floor:,.10g}",
            _ratio(found),
            str(found.errors),
            {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[found.met],
        )
    console.print(table)
    for name, found in figures.items():
        console.print(f"[bold]{name}[/]: {found.offered}", highlight=False)
        if found.failures:
            console.print(f"  [red]{found.failures}[/]", highlight=False)


def _ratio(found: Figure) -> str:
    if found.ratio is None:
        return ""
    sign = (found.target or "≥")[0]
    wanted = f" ({sign} {found.ratio_target})" if found.ratio_target else ""
    return f"{found.ratio:.2f}{wanted}"
