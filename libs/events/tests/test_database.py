"""A service's database: its readers."""

import asyncio
from typing import Any

from perennial_events import Database


async def test_a_read_under_way_does_not_hold_up_the_close(make_database: Any) -> None:
    database = Database(await make_database(()), source="/perennial/test")
    reading = asyncio.Event()

    async def read() -> None:
        async with database.reader() as connection:
            reading.set()
            await connection.execute("SELECT pg_sleep(14)")

    reader = asyncio.create_task(read())
    await reading.wait()
    async with asyncio.timeout(10):
        await database.close()
    (ended,) = await asyncio.gather(reader, return_exceptions=True)
    assert isinstance(ended, Exception)
