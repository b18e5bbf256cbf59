"""Alembic's entry point."""

from perennial_events.migrating import run_migrations

run_migrations()
