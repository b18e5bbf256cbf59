"""The demonstration: a shop's history is replayed, and the result shown."""

from datetime import UTC, datetime
from pathlib import Path

import httpx
from rich.console import Console

from perennial_cli.history.platform import Platform
from perennial_cli.history.reading import read_view
from perennial_cli.history.replay import LANES, TIMEOUT, replay
from perennial_cli.history.report import ReplayReport
from perennial_cli.history.sending import Sender
from perennial_cli.history.shop import History
from perennial_cli.history.show import console_for_output, show
from perennial_cli.history.simulator import DEFAULT_CUSTOMERS, DEFAULT_SEED, customer_name
from perennial_cli.history.source import expected, load


async def run_demo(
    platform: Platform,
    data: Path | None = None,
    seed: int = DEFAULT_SEED,
    customers: int = DEFAULT_CUSTOMERS,
    *,
    currency: str = "EUR",
    console: Console | None = None,
) -> ReplayReport:
    """Replay the file `data`, or a simulated shop without one, and show the result.

    `currency` is the simulated shop's, and should be the platform's base currency; for a file, see
    `source.currency_of`. Raises `HistoryError` and `ReplayError`.
    """
    console = console or console_for_output()
    headers = {"authorization": f"Bearer {platform.key}"}
    limits = httpx.Limits(max_connections=LANES)
    async with httpx.AsyncClient(headers=headers, timeout=TIMEOUT, limits=limits) as client:
        sender = Sender(client)
        as_of = await _end_of_history(sender, platform, seed)
        with console.status("Reading the history"):
            history = load(data, as_of=as_of, seed=seed, customers=customers, currency=currency)
            totals = expected(data, history)
        console.print(_announcement(history), markup=False)
        report = await replay(history, platform, console=console)
        with console.status("Waiting for the customer states to catch up"):
            view = await read_view(sender, platform, history)
    console.print()
    show(console, history, report, view, totals)
    return report


async def _end_of_history(sender: Sender, platform: Platform, seed: int) -> datetime:
    """Where the simulated history ends: now, or where it ended when this platform first had it, so
    that a second demonstration finds its data. The first simulated customer carries that time."""
    url = f"{platform.profile}/v1/customers/{customer_name(seed, 1)}"
    answer = await sender.send("GET", url)
    if answer.is_success:
        found = (answer.json().get("attributes") or {}).get("as_of")
        if isinstance(found, str):
            return datetime.fromisoformat(found)
    return datetime.now(UTC)


def _announcement(history: History) -> str:
    count = len(history.items)
    first, last = history.items[0].at, history.items[-1].at
    return f"{history.name}: {count:,} items, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
