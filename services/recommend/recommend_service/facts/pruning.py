"""What is let go of: views beyond the horizon, and the journal once everybody has read it."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver

MOST = 5_000
JOURNAL_KEPT = "1 hour"

_VIEWS = """
    DELETE FROM views WHERE ctid = ANY (ARRAY(SELECT ctid FROM views WHERE at < $1 LIMIT $2))
"""
_JOURNAL = f"""
    DELETE FROM journal WHERE id IN (
        SELECT id FROM journal WHERE at < clock_timestamp() - interval '{JOURNAL_KEPT}' LIMIT $1)
"""  # noqa: S608 - put together from the constant above


def forget_views(kept_days: int) -> Callable[[AsyncSession, datetime], Awaitable[int]]:
    """A timer's work: the horizon moves on, and what lies behind it goes."""

    async def forget(session: AsyncSession, now: datetime) -> int:
        connection = await driver(session)
        before = now - timedelta(days=kept_days)
        await connection.execute("UPDATE horizon SET views_from = greatest(views_from, $1)", before)
        return _count(await connection.execute(_VIEWS, before, MOST))

    return forget


async def forget_journal(session: AsyncSession, now: datetime) -> int:
    """The journal's rows are as old as the database's clock says, whatever events tell."""
    del now
    return _count(await (await driver(session)).execute(_JOURNAL, MOST))


def _count(tag: str) -> int:
    """asyncpg answers with the command's tag, such as `DELETE 7`."""
    return int(tag.rpartition(" ")[2])
