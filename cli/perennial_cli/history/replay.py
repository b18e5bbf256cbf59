"""Playing a history through the public HTTP APIs of the five services.

Products first, then customers, orders, clicks, and at last complaints and reviews: each kind finds what it
speaks of. Within a kind several lanes run at once; the items of one customer stay in one lane and
so in their order. Every id is the history's own, so that playing it again changes nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from time import perf_counter

import httpx
from rich.console import Console

from perennial_cli.history.clicks import MOST_BYTES as MOST_BATCH_BYTES
from perennial_cli.history.clicks import MOST_ITEMS as MOST_BATCH_ITEMS
from perennial_cli.history.clicks import is_known, send_batch
from perennial_cli.history.imports import MOST_BYTES, MOST_LINES, import_lot
from perennial_cli.history.lots import lanes, lots
from perennial_cli.history.platform import Platform
from perennial_cli.history.progress import phase_progress
from perennial_cli.history.report import Outcome, PhaseReport, ReplayReport
from perennial_cli.history.sending import PATIENCE_S, Sender
from perennial_cli.history.shop import History, Item, Kind

LANES = 4
"""Requests under way at once. The platform's own machine has two cores: more only wait there."""

TIMEOUT = httpx.Timeout(60.0, connect=5.0)
REASONS_SHOWN = 5


async def replay(
    history: History,
    platform: Platform,
    *,
    console: Console,
    width: int = LANES,
    patience_s: float = PATIENCE_S,
) -> ReplayReport:
    """Play the history and tell how it went on `console`. `width` is the number of lanes.

    Raises `PlatformUnreachable` when a service stays away for `patience_s`, and `KeyRefused`.
    """
    headers = {"authorization": f"Bearer {platform.key}"}
    limits = httpx.Limits(max_connections=width, max_keepalive_connections=width)
    async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT, limits=limits) as client:
        player = _Player(platform, Sender(client, patience_s), console, width)
        await player.import_all("products", history.of_kind(Kind.PRODUCT), platform.orders)
        await player.import_all("customers", history.of_kind(Kind.CUSTOMER), platform.profile)
        await player.import_all("orders", history.of_kind(Kind.ORDER), platform.orders)
        await player.send_clicks(history.of_kind(Kind.CLICK, Kind.IDENTIFY))
        await player.import_all("complaints", history.of_kind(Kind.COMPLAINT), platform.support)
        await player.import_all("reviews", history.of_kind(Kind.REVIEW), platform.support)
    _tell_refusals(player.report, console)
    return player.report


_Done = Callable[[int, Outcome], None]
"""Says what became of so many items."""


@dataclass(slots=True)
class _Player:
    """Plays one phase after the other, and keeps the report."""

    platform: Platform
    sender: Sender
    console: Console
    width: int
    report: ReplayReport = field(default_factory=ReplayReport)

    async def import_all(self, name: str, items: list[Item], service: str) -> None:
        """Play items through `POST /v1/<name>:import` of the service."""
        url = f"{service}/v1/{name}:import"

        async def play(lane: list[Item], done: _Done) -> None:
            for lot in lots(lane, MOST_LINES, MOST_BYTES):
                done(len(lot), await import_lot(self.sender, url, lot))

        await self._phase(name, items, play)

    async def send_clicks(self, items: list[Item]) -> None:
        """Play clicks and identifications, in the order in which they happened."""
        url = f"{self.platform.engagement}/v1/batch"
        again = self.report.created == 0

        async def play(lane: list[Item], done: _Done) -> None:
            if again and await is_known(self.sender, self.platform, lane):
                done(len(lane), Outcome(unchanged=len(lane)))
                return
            for lot in lots(lane, MOST_BATCH_ITEMS, MOST_BATCH_BYTES):
                done(len(lot), await send_batch(self.sender, url, lot))

        await self._phase("clicks", items, play)

    async def _phase(
        self, name: str, items: list[Item], play: Callable[[list[Item], _Done], Awaitable[None]]
    ) -> None:
        if not items:
            return
        phase = PhaseReport(name)
        self.report.phases.append(phase)
        started = perf_counter()
        with phase_progress(self.console, name, len(items)) as advance:

            def done(sent: int, outcome: Outcome) -> None:
                phase.add(sent, outcome)
                advance(sent)

            await _together(play(lane, done) for lane in lanes(items, self.width))
        phase.seconds = perf_counter() - started


async def _together(work: Iterable[Awaitable[None]]) -> None:
    """All at once; the first failure ends the others and is raised as itself."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _tell_refusals(report: ReplayReport, console: Console) -> None:
    for number, (reason, count, first) in enumerate(report.reasons()):
        if number == REASONS_SHOWN:
            console.print("… and more reasons", style="yellow")
            break
        console.print(
            f"refused {count:,} times: {reason} (first: {first})", style="yellow", markup=False
        )
