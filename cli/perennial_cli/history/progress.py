"""Progress of a replay: a live bar on a terminal, plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_BETWEEN_LINES = 5.0

Advance = Callable[[int], None]
"""Says that so many items are done."""


class RateColumn(ProgressColumn):
    """Items a second, of the last while as long as it runs, over all when it is done."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="cyan", justify="right")


@contextmanager
def phase_progress(console: Console, name: str, total: int) -> Iterator[Advance]:
    """Progress of one phase; yields the function to report with."""
    if console.is_terminal:
        yield from _bar(console, name, total)
    else:
        yield from _lines(console, name, total)


def _bar(console: Console, name: str, total: int) -> Iterator[Advance]:
    columns = (
        TextColumn("{task.description:<11}"),
        BarColumn(bar_width=36),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(name, total=total)
        yield lambda count: progress.advance(task, count)


def _lines(console: Console, name: str, total: int) -> Iterator[Advance]:
    started = said = monotonic()
    done = 0

    def advance(count: int) -> None:
        nonlocal done, said
        done += count
        now = monotonic()
        if now - said >= SECONDS_BETWEEN_LINES and done < total:
            said = now
            rate = done / (now - started)
            left = (total - done) / rate if rate else 0.0
            console.print(f"{name:<11} {done:>8,} of {total:,}  {rate:,.0f}/s  {left:.0f} s left")

    yield advance
    seconds = monotonic() - started
    rate = done / seconds if seconds else 0.0
    console.print(f"{name:<11} {done:>8,} of {total:,}  {rate:,.0f}/s  done in {seconds:.1f} s")
