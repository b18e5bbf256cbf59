"""`python -m profile_service.value_model.fitting`: do one job; the circumstances come by standard input.

Exit code 0 also where another process is at work, or there is no job.
"""

import asyncio
import sys

from perennial_events import Database
from profile_service.value_model.fitting.job import Circumstances, work
from profile_service.value_model.runner import LOCK

_TRY_LOCK = "SELECT pg_try_advisory_lock($1)"


async def _run(around: Circumstances) -> None:
    database = Database(around.database_url, source="/perennial/profile", pool_size=2)
    try:
        # The lock ends with its connection, and so with this process, however that ends.
        async with database.connection() as connection:
            if await connection.fetchval(_TRY_LOCK, LOCK):
                await work(database, around)
    finally:
        await database.close()


if __name__ == "__main__":
    asyncio.run(_run(Circumstances.read(sys.stdin.read())))
