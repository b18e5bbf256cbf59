"""`perennial lag`: how far each consumer group is behind."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perennial_cli.operations.platform import HomeOption, Silent, reach, service
from perennial_cli.services import SERVICES


def lag(
    home: HomeOption = None,
    partitions: Annotated[
        bool, typer.Option("--partitions", help="A row for each partition.")
    ] = False,
) -> None:
    """Show how many events each consumer group has still to apply, and for how long they have waited."""
    table = Table(box=None, header_style="bold")
    for column in ("group", "topic", "behind", "waiting"):
        table.add_column(column, justify="right" if column in {"behind", "waiting"} else "left")
    platform = reach(home)
    for name in SERVICES:
        with service(platform, name) as api:
            try:
                answer = api.get("/v1/operations/lag")
            except Silent:
                table.add_row(name, "does not answer", "?", "?")
                continue
        table.add_row(answer["group"], "all", f"{answer['behind']:,}", since(answer["waiting_ms"]))
        for each in answer["partitions"] if partitions else ():
            place = f"{each['topic']}/{each['partition']}"
            table.add_row("", place, f"{each['behind']:,}", since(each["waiting_ms"]))
    Console().print(table)


def since(milliseconds: int) -> str:
    """A duration as people say it."""
    if milliseconds < 1_000:
        return f"{milliseconds} ms" if milliseconds else "-"
    seconds = milliseconds / 1_000
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} s"
