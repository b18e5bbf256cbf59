"""`perennial demo`, `perennial replay` and `perennial import`."""

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Literal

import typer

from perennial_cli.history.demo import run_demo
from perennial_cli.history.errors import HistoryError, ReplayError
from perennial_cli.history.platform import Platform
from perennial_cli.history.source import currency_of
from perennial_cli.operations.platform import HomeOption, give_up, reach, service
from perennial_cli.services import default_home, default_port_base

READY_SECONDS = 120.0
STOP_SECONDS = 15.0

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        exists=True,
        help="A shop's own history (CSV, also gzipped; or Olist's folder). Without it, a simulated shop.",
    ),
]
SeedOption = Annotated[int, typer.Option(help="Of the simulated shop.")]
LogOption = Annotated[
    Literal["embedded", "kafka"],
    typer.Option(help="The event log: in the embedded PostgreSQL, or a real Apache Kafka."),
]
CustomersOption = Annotated[int, typer.Option(min=1, help="Of the simulated shop.")]


def demo(
    data: DataOption = None,
    seed: SeedOption = 7,
    customers: CustomersOption = 1000,
    log: LogOption = "embedded",
) -> None:
    """Start the platform, replay a shop's history, and show what is known of its customers.

    It stays up until Ctrl-C; with CI=true in the environment it stops after showing the result.
    """
    home = default_home()
    lines_file = home / "logs" / "platform.log"
    lines_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        currency = currency_of(data)
    except HistoryError as error:
        give_up(str(error))
    print(f"Starting the platform in {home.absolute()} (its lines go to {lines_file})", flush=True)
    with lines_file.open("ab") as lines:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "perennial_cli", "up", "--log", log],
            stdout=lines,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PERENNIAL_CURRENCY": currency},
            # A Ctrl-C is ours to pass on, once.
            start_new_session=True,
        )
    try:
        platform = _wait_ready(supervisor, home, lines_file)
        _play(platform, data, seed, customers, currency)
        if os.environ.get("CI") != "true":
            print(f"The platform stays up. Its key: {platform.key}\nCtrl-C stops it.", flush=True)
            supervisor.wait()
    except KeyboardInterrupt:
        print("\nStopping", flush=True)
    finally:
        _stop(supervisor)


def replay(
    data: DataOption = None,
    seed: SeedOption = 7,
    customers: CustomersOption = 1000,
    home: HomeOption = None,
) -> None:
    """Replay a shop's history through the public APIs of the platform that runs, and show the result."""
    platform = reach(home)
    try:
        currency = currency_of(data)
    except HistoryError as error:
        give_up(str(error))
    _play(platform, data, seed, customers, currency)


def _play(platform: Platform, data: Path | None, seed: int, customers: int, currency: str) -> None:
    try:
        asyncio.run(run_demo(platform, data, seed, customers, currency=currency))
    except (HistoryError, ReplayError) as error:
        give_up(str(error))


def _wait_ready(supervisor: "subprocess.Popen[bytes]", home: Path, log: Path) -> Platform:
    """The platform, as soon as all of it is ready."""
    deadline = time.monotonic() + READY_SECONDS
    begun = log.stat().st_size
    while b"ready after" not in (said := log.read_bytes()[begun:]):
        if supervisor.poll() is not None:
            last = said.decode(errors="replace").splitlines()[-5:]
            give_up("\n".join(["The platform did not start:", *last]))
        if time.monotonic() > deadline:
            give_up(f"The platform was not ready after {READY_SECONDS:.0f} s; {log} says why.")
        time.sleep(0.1)
    return Platform.from_home(home, default_port_base())


def _stop(supervisor: "subprocess.Popen[bytes]") -> None:
    if supervisor.poll() is None:
        supervisor.send_signal(signal.SIGTERM)
        try:
            supervisor.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()
            supervisor.wait()


Kind = Literal["products", "customers", "orders", "complaints", "reviews"]
OWNERS = {
    "products": "orders",
    "customers": "profile",
    "orders": "orders",
    "complaints": "support",
    "reviews": "support",
}
LINES_A_REQUEST = 2_000


def import_file(
    kind: Annotated[Kind, typer.Argument(help="What the lines are.")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="NDJSON, also gzipped.")
    ],
    home: HomeOption = None,
) -> None:
    """Import NDJSON: each line the body of a single create. Refused lines are shown, the rest goes on."""
    from rich.progress import Progress  # noqa: PLC0415 - loads when it is used

    totals = {"created": 0, "unchanged": 0, "refused": 0}
    with service(reach(home), OWNERS[kind]) as api, Progress(transient=True) as progress:
        task = progress.add_task(kind, total=file.stat().st_size)
        for first, lines, read in _chunks(file):
            for answer in api.import_lines(f"/v1/{kind}:import", lines):
                if "line" in answer:
                    place, id = first + answer["line"] - 1, answer.get("id") or ""
                    reasons = "; ".join(
                        f"{e.get('pointer', '')} {e['detail']}" for e in answer["errors"]
                    )
                    progress.console.print(f"line {place} {id}: {reasons}", markup=False)
                elif "created" in answer:
                    totals = {name: totals[name] + answer[name] for name in totals}
                else:
                    give_up(f"The import broke off at line {first} or behind: {answer}")
            progress.update(task, completed=read)
    print(", ".join(f"{count:,} {name}" for name, count in totals.items()))
    if totals["refused"]:
        raise typer.Exit(1)


def _chunks(file: Path) -> Iterator[tuple[int, bytes, int]]:
    """The file in portions: number of the first line, the lines, and how many bytes of it are read."""
    with (
        file.open("rb") as raw,
        gzip.open(raw) if file.suffix == ".gz" else nullcontext(raw) as lines,
    ):
        first, chunk = 1, []
        for line in lines:
            chunk.append(line)
            if len(chunk) == LINES_A_REQUEST:
                yield first, b"".join(chunk), raw.tell()
                first, chunk = first + len(chunk), []
        if chunk:
            yield first, b"".join(chunk), raw.tell()
