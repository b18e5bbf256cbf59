"""Past SQLAlchemy to asyncpg, where a statement takes many rows: arrays and COPY."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    Connection: TypeAlias = asyncpg.Connection[Any]
else:  # not subscriptable while the program runs, and FastAPI looks at it then
    Connection = asyncpg.Connection

_BEGIN = text("SELECT 1")


async def driver(session: AsyncSession) -> Connection:
    """The asyncpg connection under a session, with the session's transaction open on it."""
    found = await reading_driver(session)
    if not found.is_in_transaction():
        # SQLAlchemy begins the transaction with the first statement that goes through it.
        await session.execute(_BEGIN)
    return found


async def reading_driver(session: AsyncSession) -> Connection:
    """The asyncpg connection under a session for reads, whose statements stand alone."""
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    return cast(Connection, raw)
