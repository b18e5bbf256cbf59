"""`perennial recommend evaluate`: how well each strategy foretells what visitors did."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

app = typer.Typer(help="Judge recommendations before they are switched on.", no_args_is_help=True)

# Named here too, so that the command line loads no service.
Protocol = Literal["next-item", "leave-last", "time-split", "next-basket"]


@app.callback()
def group() -> None:
    """Judge recommendations before they are switched on."""


@app.command()
def evaluate(
    events: Annotated[
        Path,
        typer.Option(
            help="CSV, TSV or Parquet with the columns visitor, sku and at (RFC 3339 or seconds since"
            " 1970), and where there are any basket and weight."
        ),
    ],
    protocol: Annotated[Protocol, typer.Option(help="What is foretold from what.")],
    split_at: Annotated[
        str | None,
        typer.Option(help="Learn from what began before; default: the last fifth of the visits."),
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="How many recommendations count.")] = 20,
    tests: Annotated[
        int, typer.Option(min=1, help="At most so many tests, drawn by chance.")
    ] = 20_000,
    json: Annotated[Path | None, typer.Option(help="Write the results here.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture of them here, as SVG.")] = None,
) -> None:
    """Foretell one part of a shop's events from the other, with every strategy, the blend, and peers."""
    command = [sys.executable, "-m", "recommend_service.evaluation"]
    command += [
        "--events",
        str(events),
        "--protocol",
        protocol,
        "--k",
        str(k),
        "--tests",
        str(tests),
    ]
    command += ["--split-at", split_at] if split_at is not None else []
    command += ["--json", str(json)] if json is not None else []
    command += ["--plot", str(plot)] if plot is not None else []
    raise typer.Exit(subprocess.run(command, check=False).returncode)
