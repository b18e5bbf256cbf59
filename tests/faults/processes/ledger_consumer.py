"""A member of a consumer group that keeps the ledger (see ledger.py), until SIGTERM.

Run as `python -m tests.faults.processes.ledger_consumer DATABASE_URL LOG_URL GROUP [MOMENT]`:
at the moment `before_commit` or `after_commit` of its first effect it kills itself.
"""

import asyncio
import os
import signal
import sys
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

from perennial_events import Database, open_log
from perennial_events.consumer import Consumer
from tests.faults.ledger import WRITES_LEDGER, subscriptions


def cut(database: Database, moment: str) -> None:
    """Die right before, or right after, the commit of the first transaction that writes the ledger."""

    def die_if_written(holder: Any) -> None:
        if WRITES_LEDGER in holder.info:
            os.kill(os.getpid(), signal.SIGKILL)

    if moment == "before_commit":
        event.listen(database.engine.sync_engine, "commit", die_if_written)
    else:
        event.listen(Session, "after_commit", die_if_written)


async def main(database_url: str, log_url: str, group: str, *moment: str) -> None:
    database, log = Database(database_url, source="/perennial/test"), open_log(log_url)
    if moment:
        cut(database, *moment)
    consumer = Consumer(database, log, group, subscriptions())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, consumer.stop)
    await consumer.run()
    await log.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
