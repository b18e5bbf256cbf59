"""Gives open jobs to a process of their own: what a fit needs, the service's process never loads."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from perennial_events import Clock, Database
from perennial_events.errors import is_transient
from perennial_http import decimals
from profile_service.settings import Settings

LOCK = 0x76616C7565
"""The advisory lock that a process at work holds, so that there is one at a time."""

POLL_SECONDS = 0.5
PAUSE_SECONDS = 5.0
"""After a process that failed, and while the database is away."""

_WAITING = """
    SELECT EXISTS (SELECT FROM value_model_jobs WHERE status IN ('queued', 'running'))
       AND NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database())
               AND (CAST(classid AS bigint) << 32 | CAST(objid AS bigint)) = $1)
"""

_log = structlog.get_logger("value model")


def fitting(database: Database, settings: Settings, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Background work for `create_app`: start a process whenever a job is open and nobody is at it."""

    told = {
        "database_url": settings.database_url,
        "minor_units": 10 ** decimals(settings.currency),
        "discount_rate": settings.value_discount_rate,
    }

    async def run() -> None:
        while True:
            pause = POLL_SECONDS
            try:
                now = clock().isoformat()
                if await _is_waiting(database) and await _work(json.dumps({**told, "now": now})):
                    pause = PAUSE_SECONDS
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("waiting for the surroundings", error=str(error)[:200])
                pause = PAUSE_SECONDS
            await asyncio.sleep(pause)

    return run


async def _is_waiting(database: Database) -> bool:
    async with database.connection() as connection:
        return bool(await connection.fetchval(_WAITING, LOCK))


async def _work(told: str) -> int:
    """Run one process to its end; its exit code. It ends with this one."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "profile_service.value_model.fitting"),
        stdin=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        # Its database's address goes where no list of processes shows it.
        _, said = await process.communicate(told.encode())
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        _log.error(
            "fitting failed", code=process.returncode, said=said.decode(errors="replace")[-2000:]
        )
    return process.returncode or 0
