"""Many callers, one append: what arrives while the log is writing goes into its next write together."""

import asyncio
from collections.abc import Sequence

from perennial_events.envelope import Envelope
from perennial_events.log import Log
from perennial_events.log.base import partition_of

LANES = 2
"""Appends at a time: while one waits for the disk, the log takes in the other. A key keeps to its lane,
and so to its order; lanes share no partition of a topic whose partitions are a multiple of them."""

ENOUGH = 1_000
"""Events of one append: from here on a longer one costs as much an event, and makes callers wait."""

_Waiting = tuple[Sequence[Envelope], "asyncio.Future[None]"]


class GroupCommit:
    """Appends to the log for callers who each wait until their own events are durable.

    Under load a write to the disk carries hundreds of requests; without load none waits for another.
    """

    def __init__(self, event_log: Log) -> None:
        self._lanes = [_Lane(event_log) for _ in range(LANES)]

    async def append(self, envelopes: Sequence[Envelope]) -> None:
        """Return when `envelopes` are durable. Raises `LogUnavailable` when that is not known."""
        by_lane: list[list[Envelope]] = [[] for _ in self._lanes]
        for envelope in envelopes:
            by_lane[partition_of(envelope.key, LANES)].append(envelope)
        await asyncio.gather(
            *(lane.append(some) for lane, some in zip(self._lanes, by_lane, strict=True) if some)
        )


class _Lane:
    """One append after the other."""

    def __init__(self, event_log: Log) -> None:
        self._log = event_log
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    def append(self, envelopes: Sequence[Envelope]) -> "asyncio.Future[None]":
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((envelopes, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return written

    async def _write(self) -> None:
        while group := self._next_group():
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

    def _next_group(self) -> list[_Waiting]:
        """The callers who have waited longest, as many as make one append."""
        count = events = 0
        for envelopes, _ in self._waiting:
            if events >= ENOUGH:
                break
            count += 1
            events += len(envelopes)
        group, self._waiting = self._waiting[:count], self._waiting[count:]
        return group
