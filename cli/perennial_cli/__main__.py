"""`python -m perennial_cli` is the `perennial` command."""

from perennial_cli.main import app

app()
