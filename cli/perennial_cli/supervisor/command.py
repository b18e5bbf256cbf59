"""`perennial up` as a command; the work is done by a smaller process than the one that read the options."""

import os
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer


def up(
    log: Annotated[
        Literal["embedded", "kafka"],
        typer.Option(help="The event log: in the embedded PostgreSQL, or a real Apache Kafka."),
    ] = "embedded",
    home: Annotated[
        Path | None, typer.Option(help="Where data lives (default: PERENNIAL_HOME, or .perennial).")
    ] = None,
) -> None:
    """Start the platform on this machine and keep it running until Ctrl-C."""
    from perennial_cli.services import default_home  # noqa: PLC0415  (commands load what they use)

    # The supervisor stays for as long as the platform does: it replaces this process, so that the command line's
    # libraries do not stay with it.
    arguments = ["-m", "perennial_cli.supervisor", log, str(home or default_home())]
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606  (our own interpreter and module)
