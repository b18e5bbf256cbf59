"""Whether a service can do its work, and if not, which part of it cannot."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from perennial_events.database import Database
from perennial_http.problems import Unavailable

Check = Callable[[], Awaitable[bool]]
Checks = Mapping[str, Check]

CHECK_SECONDS = 2.0

_log = structlog.get_logger(__name__)


def database_check(database: Database) -> Check:
    """Whether the database answers."""

    async def answers() -> bool:
        async with database.reading() as session:
            return await session.scalar(text("SELECT true")) is True

    return answers


async def readiness(checks: Checks) -> Response:
    """200 when every check holds. Raises `Unavailable` that names those that do not."""
    held = await asyncio.gather(*(_holds(name, check) for name, check in checks.items()))
    failed = [name for name, holds in zip(checks, held, strict=True) if not holds]
    if failed:
        raise Unavailable(f"Not ready: {', '.join(failed)}.", failed=failed)
    return JSONResponse({"status": "ready", "checks": list(checks)})


async def _holds(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever goes wrong in a check, it does not hold
        _log.debug("check_failed", check=name, error=repr(error))
        return False
