"""`perennial parked`: events that could not be applied: list, show, retry, discard."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from perennial_cli.operations.platform import HomeOption, reach, service
from perennial_cli.services import SERVICES

app = typer.Typer(
    no_args_is_help=True, help="Events that could not be applied, and those behind them."
)

ServiceArgument = Annotated[str, typer.Argument(help=f"One of {', '.join(SERVICES)}.")]
IdArgument = Annotated[int, typer.Argument(help="The number that `parked list` shows.")]


@app.command("list")
def list_parked(home: HomeOption = None) -> None:
    """List the parked events of every service."""
    table = Table(box=None, header_style="bold")
    for column in ("service", "id", "type", "key", "attempts", "reason"):
        table.add_column(column, overflow="fold")
    platform = reach(home)
    for name in SERVICES:
        with service(platform, name) as api:
            for event in _all(api):
                reason = event["reason"] or "waits behind the one above"
                number, attempts = str(event["id"]), str(event["attempts"])
                table.add_row(name, number, event["type"], event["key"], attempts, reason)
    if table.row_count:
        Console().print(table)
    else:
        print("Nothing is parked.")


def _all(api: Any) -> list[Any]:
    found: list[Any] = []
    query: dict[str, Any] = {"limit": 200}
    while True:
        page = api.get("/v1/operations/parked", **query)
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


@app.command()
def show(name: ServiceArgument, id: IdArgument, home: HomeOption = None) -> None:
    """Show one parked event with its data and its reason."""
    with service(reach(home), _known(name)) as api:
        print(json.dumps(api.get(f"/v1/operations/parked/{id}"), indent=2))


@app.command()
def retry(name: ServiceArgument, id: IdArgument, home: HomeOption = None) -> None:
    """Apply the parked events of this one's key again, in order."""
    with service(reach(home), _known(name)) as api:
        answer = api.post(f"/v1/operations/parked/{id}/retry")
    print(f"{answer['applied']} applied")
    if answer["still_parked"]:
        print(f"then stopped: {answer['still_parked']}")
        raise typer.Exit(1)


@app.command()
def discard(name: ServiceArgument, id: IdArgument, home: HomeOption = None) -> None:
    """Give a parked event up for good; those behind it can then be retried."""
    with service(reach(home), _known(name)) as api:
        api.post(f"/v1/operations/parked/{id}/discard")
    print("discarded; `perennial parked list` shows what waits behind it, `retry` applies it")


def _known(name: str) -> str:
    if name not in SERVICES:
        raise typer.BadParameter(f"{name} is not one of {', '.join(SERVICES)}")
    return name
