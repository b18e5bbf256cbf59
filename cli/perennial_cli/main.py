"""The `perennial` command: each command lives in a module of its own and imports what it needs when it runs."""

import typer

from perennial_cli import recommend
from perennial_cli.broker import kafka
from perennial_cli.docs import docs
from perennial_cli.history.commands import demo, import_file, replay
from perennial_cli.migrations.command import migrate
from perennial_cli.operations import keys, parked, partners
from perennial_cli.operations.lag import lag
from perennial_cli.operations.rebuild import rebuild
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
app.command()(docs)
app.command()(demo)
app.command()(replay)
app.command("import")(import_file)
app.command()(lag)
app.command()(rebuild)
app.add_typer(parked.app, name="parked")
app.add_typer(keys.app, name="keys")
app.add_typer(partners.app, name="partners")
app.add_typer(recommend.app, name="recommend")

if __name__ == "__main__":
    app()
