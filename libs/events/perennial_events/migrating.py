"""Runs a service's Alembic history; each `migrations/env.py` calls `run_migrations`."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

LOCK_TIMEOUT = "5s"
"""A migration that cannot get its lock gives up, before the queries behind it pile up."""


def run_migrations() -> None:
    """Bring the database at `sqlalchemy.url` to the wanted revision, in one transaction."""
    asyncio.run(_run())


async def _run() -> None:
    url = context.config.get_main_option("sqlalchemy.url", "")
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        connect_args={"server_settings": {"lock_timeout": LOCK_TIMEOUT}},
    )
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
    await engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, transaction_per_migration=False)
    with context.begin_transaction():
        # Two deployments may start at once: the second waits, and finds everything done.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('perennial migrations'))"))
        context.run_migrations()
