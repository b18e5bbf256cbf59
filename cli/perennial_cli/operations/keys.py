"""`perennial keys`: API keys, issued and revoked."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from perennial_cli.operations.platform import HomeOption, reach, service

app = typer.Typer(no_args_is_help=True, help="API keys for storefronts, partners and operators.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for, such as `storefront`: a-z 0-9 -")],
    scopes: Annotated[
        list[str], typer.Argument(help="Such as orders:write profile:read; * is all.")
    ],
    home: HomeOption = None,
) -> None:
    """Issue a key and show it, this once."""
    with service(reach(home), "profile") as api:
        issued = api.post("/v1/keys", {"name": name, "scopes": scopes})
    print(f"{issued['key']}\n(id {issued['key_id']}; it is shown only now)")


@app.command("list")
def list_keys(home: HomeOption = None) -> None:
    """List the keys that were issued."""
    table = Table(box=None, header_style="bold")
    for column in ("id", "name", "scopes", "created", "revoked"):
        table.add_column(column)
    with service(reach(home), "profile") as api:
        cursor: dict[str, str] = {}
        while True:
            page = api.get("/v1/keys", limit=200, **cursor)
            for key in page["data"]:
                scopes, revoked = " ".join(key["scopes"]), key["revoked_at"] or "-"
                table.add_row(key["key_id"], key["name"], scopes, key["created_at"], revoked)
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
    Console().print(table)


@app.command()
def revoke(key_id: Annotated[str, typer.Argument()], home: HomeOption = None) -> None:
    """End a key's life, in every service."""
    with service(reach(home), "profile") as api:
        api.delete(f"/v1/keys/{key_id}")
    print("revoked")
