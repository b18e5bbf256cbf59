"""When to fit again, and the process that does it."""

import asyncio
import os
import sys

import structlog
from sqlalchemy import text

from perennial_events import Database
from perennial_events.errors import is_transient

log = structlog.get_logger("fitting")

LOOK_SECONDS = 60.0
FIRST_AT = 200
"""With fewer views and orders there is no taste to find."""
GROWTH = 1.1
"""It is fitted again when there is a tenth more to learn from, or after a day."""

# An estimate by the planner's statistics would be wrong just after an import; the newest fit bounds the
# count that is needed.
_DUE = text("""
    WITH newest AS (
        SELECT coalesce(max(interactions), 0) AS interactions, max(fitted_at) AS fitted_at FROM fits
    ), now AS (
        SELECT (SELECT count(*) FROM (SELECT FROM views LIMIT 1000000) AS v)
             + (SELECT count(*) FROM (SELECT FROM baskets LIMIT 200000) AS b) AS interactions
    )
    SELECT now.interactions >= :first AND (
        newest.fitted_at IS NULL
        OR now.interactions >= CAST(:growth AS double precision) * newest.interactions
        OR newest.fitted_at < clock_timestamp() - interval '1 day')
    FROM newest, now
""")


async def keep_fitted(database: Database, url: str) -> None:
    """Fit when it is due, until cancelled; of several processes one at a time."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await fit_if_due(database, url)
        except Exception as error:
            if not is_transient(error):
                raise
            log.warning("waiting for the surroundings", error=str(error)[:200])


async def fit_if_due(database: Database, url: str) -> bool:
    """Say whether a fit was due, and is stored now. A failed one is logged, and due again."""
    async with database.transaction() as session:
        mine = await session.scalar(
            text("SELECT pg_try_advisory_xact_lock(hashtext('recommend fitting'))")
        )
        if not mine:
            return False
        found = await session.execute(_DUE, {"first": FIRST_AT, "growth": GROWTH})
        if not found.scalar_one():
            return False
    return await fit(url)


async def fit(url: str) -> bool:
    """Run the fit in a process of its own, at lower priority: this one goes on answering."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "recommend_service.fitting",
        env={
            **os.environ,
            "PERENNIAL_SERVICE": "recommend",
            "PERENNIAL_DATABASE_URL": url,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, error = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode:
        log.error("fitting failed", code=process.returncode, error=error.decode()[-500:])
    return process.returncode == 0
