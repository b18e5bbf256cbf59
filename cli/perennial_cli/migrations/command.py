"""`perennial migrate`: every service's Alembic history, and the log's schema."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def migrate(
    home: Annotated[
        Path | None,
        typer.Option(
            help="The platform whose own PostgreSQL is meant when no database address is set."
        ),
    ] = None,
) -> None:
    """Bring every database to its newest schema.

    Addresses come from PERENNIAL_<SERVICE>_DATABASE_URL and PERENNIAL_LOG; with none of them set, the embedded
    PostgreSQL of the home folder is meant, which is started for the purpose unless the platform runs.
    """
    from perennial_cli.migrations import upgrade  # noqa: PLC0415  (Alembic and SQLAlchemy load only here)
    from perennial_cli.services import default_home  # noqa: PLC0415

    try:
        if upgrade.addresses_are_set():
            upgrade.upgrade_from_environment()
        else:
            upgrade.upgrade_embedded(home or default_home())
    except upgrade.NotMigrated as failure:
        print(failure, file=sys.stderr)
        raise typer.Exit(1) from None
