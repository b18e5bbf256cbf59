"""An evaluation as a table, as JSON and as a picture."""

import json
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from recommend_service.evaluation.run import Evaluation

OURS = ("for_you", "also_bought", "also_viewed", "repeat", "reactivate", "trending")
_ROW, _LEFT, _WIDTH = 26, 130, 760


def document(found: Evaluation) -> dict[str, Any]:
    """The JSON of `--json`."""
    return {
        "protocol": found.protocol,
        "k": found.k,
        "tests": found.tests,
        "results": {name: result.model_dump() for name, result in found.results.items()},
        "blend": found.weights,
        "repeats": round(found.repeats, 6),
        "split_at": _time(found.split_at),
        "of_tests": found.of_tests,
    }


def show(found: Evaluation, console: Console) -> None:
    """The table, the best recall first, and what has to be known to read it."""
    table = Table(title=_title(found), title_justify="left")
    table.add_column("", no_wrap=True)
    k = found.k
    for heading in (f"recall@{k}", "95 % within", "hit rate", "MRR", "NDCG", "coverage", "novelty"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("µs each", justify="right", no_wrap=True)
    for name, result in sorted(found.results.items(), key=lambda each: -each[1].recall):
        style = "bold" if name == "blend" else "" if name in OURS else "dim"
        table.add_row(
            name,
            f"{result.recall:.4f}",
            f"{result.low:.4f} to {result.high:.4f}",
            *(f"{value:.4f}" for value in (result.hit_rate, result.mrr, result.ndcg)),
            f"{result.coverage:.3f}",
            f"{result.novelty:.1f}",
            f"{found.seconds[name] / found.tests * 1e6:,.0f}",
            style=style,
        )
    console.print(table)
    weights = ", ".join(f"{name} {weight:g}" for name, weight in found.weights.items() if weight)
    console.print(f"The blend: {weights}; fitted on the training events alone.")
    console.print(
        f"Repeats are asked for and may be recommended: {found.repeats:.1%} of the tests want one."
        " Of equal scores the product that was met first stands first."
    )


def plot(found: Evaluation, file: Path) -> None:
    """Recall with its interval as bars, into an SVG."""
    ranked = sorted(found.results.items(), key=lambda each: -each[1].recall)
    scale = (_WIDTH - _LEFT - 70) / max(1e-9, *(result.high for _, result in ranked))
    height = _ROW * (len(ranked) + 2)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}"'
        ' font-family="sans-serif" font-size="13">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="8" y="18" font-weight="bold">{escape(_title(found))}</text>',
    ]
    for place, (name, result) in enumerate(ranked, start=1):
        top = place * _ROW + 4
        middle, end = top + 9, _LEFT + result.recall * scale
        low, high = _LEFT + result.low * scale, _LEFT + result.high * scale
        colour = "#2b6cb0" if name == "blend" else "#63b3ed" if name in OURS else "#cbd5e0"
        parts += [
            f'<text x="8" y="{middle + 5}">{escape(name)}</text>',
            f'<rect x="{_LEFT}" y="{top}" width="{end - _LEFT:.1f}" height="18" fill="{colour}"/>',
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="#1a202c" stroke-width="2"/>',
            f'<text x="{high + 6:.1f}" y="{middle + 5}">{result.recall:.3f}</text>',
        ]
    file.write_text("\n".join([*parts, "</svg>", ""]))


def write(found: Evaluation, file: Path) -> None:
    file.write_text(json.dumps(document(found), indent=2) + "\n")


def _title(found: Evaluation) -> str:
    tests = f"{found.tests:,} tests" + (
        "" if found.tests == found.of_tests else f" of {found.of_tests:,}"
    )
    parted = f", split at {_time(found.split_at)}" if found.split_at is not None else ""
    return f"{found.protocol}: recall@{found.k}, {tests}{parted}"


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
