"""`perennial rebuild SERVICE PROJECTION`: from the log, beside the live one, and swapped."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from perennial_cli.operations.platform import HomeOption, give_up
from perennial_cli.services import SERVICES, default_home


def rebuild(
    service: Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")],
    projection: Annotated[str, typer.Argument(help="Its name, such as customer_state.")],
    home: HomeOption = None,
    accept_difference: Annotated[
        bool,
        typer.Option(
            "--accept-difference", help="Swap even if the rebuilt rows differ from the live."
        ),
    ] = False,
) -> None:
    """Rebuild a projection from the log beside the live one, compare the two, and swap them.

    Addresses come from the running platform's folder, or from PERENNIAL_LOG and
    PERENNIAL_<SERVICE>_DATABASE_URL where they are set.
    """
    if service not in SERVICES:
        raise typer.BadParameter(f"{service} is not one of {', '.join(SERVICES)}")
    command = [sys.executable, "-m", f"{service}_service", "rebuild", projection]
    command += ["--accept-difference"] if accept_difference else []
    with subprocess.Popen(
        command, env=_environment(service, home), stdout=subprocess.PIPE, text=True
    ) as process:
        result = _follow(process)
    if "error" in result:
        give_up(result["error"])
    if process.returncode:
        give_up(f"the rebuild ended with exit code {process.returncode}")
    rate = result["events"] / max(result["seconds"], 0.001)
    print(f"{result['events']:,} events in {result['seconds']:.1f} s ({rate:,.0f}/s), swapped")
    for table, (live, rebuilt) in result["checksums"].items():
        print(f"  {table:<20} {rebuilt:<34} {'= live' if live == rebuilt else f'≠ live {live}'}")


def _follow(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """Show how far the rebuild is, and return the last thing it said."""
    said: dict[str, Any] = {}
    columns = (
        TextColumn("rebuilding"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} events, {task.fields[rate]:,.0f}/s"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = None
        for line in process.stdout or ():
            if not line.startswith("{"):
                sys.stderr.write(line)
                continue
            said = json.loads(line)
            if "total" in said:
                if task is None:
                    task = progress.add_task("", total=said["total"], rate=0.0)
                speed = progress.tasks[0].speed or 0.0
                progress.update(task, completed=said["done"], total=said["total"], rate=speed)
    return said


def _environment(service: str, home: Path | None) -> dict[str, str]:
    environment = dict(os.environ)
    variable = f"PERENNIAL_{service.upper()}_DATABASE_URL"
    if variable not in environment:
        file = (home or default_home()) / "run" / "addresses.json"
        try:
            environment |= json.loads(file.read_text())
        except OSError:
            give_up(
                f"{file} cannot be read. Is the platform up? Otherwise set PERENNIAL_LOG and {variable}."
            )
    return environment | {
        "PERENNIAL_SERVICE": service,
        "PERENNIAL_DATABASE_URL": environment[variable],
        "PERENNIAL_LOG_LEVEL": "error",
    }
