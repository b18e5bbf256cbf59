"""Past SQLAlchemy to asyncpg: where a statement takes many rows (arrays and COPY), or many are asked."""

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import asyncpg
from sqlalchemy import text
from sqlalchemy.engine import make_url
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


def connect_arguments(url: str) -> dict[str, Any]:
    """asyncpg's arguments for a SQLAlchemy URL (which may name a socket directory as `host`)."""
    parsed = make_url(url)
    return {
        "host": parsed.query.get("host", parsed.host),
        "port": parsed.port,
        "user": parsed.username,
        "password": parsed.password,
        "database": parsed.database,
        "timeout": 5,
    }


async def leave_as_it_is(_connection: object) -> None:
    """A pool's `reset`: spares a round trip at the end of every use of a connection."""
