"""`perennial partners`: who sends webhooks to which service, and what a payload of theirs would do."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from perennial_cli.history.platform import Platform
from perennial_cli.operations.platform import HomeOption, Service, give_up, reach, service

HEARING = ("orders", "engagement", "support", "profile")
"""The services that partners speak to."""

app = typer.Typer(no_args_is_help=True, help="Partners that send webhooks to the platform.")


@app.command("list")
def list_partners(home: HomeOption = None) -> None:
    """List the partners of every service."""
    table = Table(box=None, header_style="bold")
    for column in ("service", "partner"):
        table.add_column(column)
    platform = reach(home)
    for name in HEARING:
        with service(platform, name) as api:
            for partner in _partners(api):
                table.add_row(name, partner)
    Console().print(table if table.row_count else "No partner is known.")


@app.command("test")
def rehearse(
    name: Annotated[str, typer.Argument(help="The partner, as it was configured.")],
    file: Annotated[
        Path, typer.Argument(help="The payload, as JSON.", exists=True, dir_okay=False)
    ],
    header: Annotated[
        list[str] | None,
        typer.Option(help='A header that the mapping reads: "X-Shopify-Topic: orders/create".'),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Show what a payload of a partner would do, without doing it."""
    headers = dict(_split(each) for each in header or ())
    try:
        payload = json.loads(file.read_text())
    except ValueError as error:
        give_up(f"{file} is not JSON: {error}")
    platform = reach(home)
    with service(platform, _service_of(platform, name)) as api:
        body = {"headers": headers, "payload": payload}
        print(json.dumps(found := api.post(f"/v1/partners/{name}/test", body), indent=2))
    if found["reason"] is not None:
        raise typer.Exit(1)


def _service_of(platform: Platform, partner: str) -> str:
    found = (name for name in HEARING if _knows(platform, name, partner))
    return next(found, None) or give_up(
        f"No service knows a partner {partner}; PUT /v1/partners/{partner} makes one known."
    )


def _knows(platform: Platform, name: str, partner: str) -> bool:
    with service(platform, name) as api:
        return partner in _partners(api)


def _partners(api: Service) -> list[str]:
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = api.get("/v1/partners", limit=200, **cursor)
        found += [each["partner"] for each in page["data"]]
        if page["next_cursor"] is None:
            return found
        cursor = {"cursor": page["next_cursor"]}


def _split(header: str) -> tuple[str, str]:
    name, colon, value = header.partition(":")
    if not colon:
        raise typer.BadParameter(f"{header} has no colon")
    return name.strip(), value.strip()
