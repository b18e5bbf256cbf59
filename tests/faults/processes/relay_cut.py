"""A relay that kills itself after the log has acknowledged, before it marks what it sent.

Run as `python relay_cut.py DATABASE_URL LOG_URL`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from typing import cast

from perennial_events import Envelope, Log, open_log
from perennial_events.relay import Relay


class CutLog:
    """A log whose first acknowledgement is the last thing that this process hears."""

    def __init__(self, log: Log) -> None:
        self._log = log

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        await self._log.append(envelopes)
        os.kill(os.getpid(), signal.SIGKILL)


async def main(database: str, log: str) -> None:
    # A relay asks nothing of a log but `append`.
    cut = cast("Log", CutLog(open_log(log)))
    relay = Relay(database, source="/perennial/test", event_log=cut, committed=asyncio.Event())
    await relay.run()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
