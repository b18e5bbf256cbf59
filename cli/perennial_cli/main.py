"""The `perennial` command: each command lives in a module of its own and imports what it needs when it runs."""

import typer

from perennial_cli.broker import kafka
from perennial_cli.migrations.command import migrate
from perennial_cli.supervisor.command import up

app = typer.Typer(
    help="Run, feed, inspect and repair a Perennial platform.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)
app.command()(up)
app.command()(kafka)
app.command()(migrate)

if __name__ == "__main__":
    app()
