"""Many callers, one append: what arrives while the log is writing goes into its next write together."""

import asyncio
from collections.abc import Sequence

from perennial_events.envelope import Envelope
from perennial_events.log import Log

GATHERING_SECONDS = 0.005
"""A write waits for so long for others beside it: to write alone costs each of them far more."""


class GroupCommit:
    """Appends to the log for callers who each wait until their own events are durable.

    Under load a write to the disk carries hundreds of requests.
    """

    def __init__(self, event_log: Log) -> None:
        self._log = event_log
        self._waiting: list[tuple[Sequence[Envelope], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        """Return when `envelopes` are durable. Raises `LogUnavailable` when that is not known."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelopes, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await written

    async def _write(self) -> None:
        while self._waiting:
            await asyncio.sleep(GATHERING_SECONDS)
            group, self._waiting = self._waiting, []
            try:
                await self._log.append(
                    [envelope for envelopes, _ in group for envelope in envelopes]
                )
            except Exception as error:  # noqa: BLE001 - each caller gets it
                for _, written in group:
                    if not written.done():
                        written.set_exception(error)
            else:
                for _, written in group:
                    if not written.done():
                        written.set_result(None)
