"""Segments by their doors: made, waited for, and what was told of them."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import httpx
import pytest

from perennial_events import Log
from perennial_events.catalogue import SegmentEntered, SegmentLeft
from perennial_events.envelope import open_envelope
from perennial_http.testing import until

Json = dict[str, Any]


class Told(NamedTuple):
    fact: str
    customer_id: str
    segment_id: str
    reason: str
    because: list[str]
    imported: bool


class Segments:
    """Makes segments and knows what became of them."""

    def __init__(self, client: httpx.AsyncClient, log: Log) -> None:
        self._client = client
        self._log = log

    async def make(self, segment_id: str, rule: Json) -> None:
        """Make the segment, or give it this rule; return when its members are computed."""
        made = await self._client.put(
            f"/v1/segments/{segment_id}", json={"name": segment_id, "rule": rule}
        )
        assert made.status_code == 200, made.text
        await self.computed(segment_id)

    async def computed(self, segment_id: str) -> None:
        async def ready() -> bool:
            answer = await self._client.get(f"/v1/segments/{segment_id}/members")
            return bool(answer.json()["status"] == "ready")

        await until(ready)

    async def members(self, segment_id: str) -> list[str]:
        answer = await self._client.get(f"/v1/segments/{segment_id}/members?limit=200")
        assert answer.status_code == 200, answer.text
        return [member["customer_id"] for member in answer.json()["data"]]

    async def become(self, segment_id: str, *customers: str) -> None:
        """Return when the segment has just these members, which the clock or the worker brings about."""

        async def so() -> bool:
            return await self.members(segment_id) == sorted(customers)

        await until(so)

    async def told(self, count: int) -> list[Told]:
        """What was told of entering and leaving, as soon as there is as much of it."""
        found: list[Told] = []

        async def enough() -> bool:
            found[:] = await self._read()
            return len(found) >= count

        await until(enough)
        return found

    async def _read(self) -> list[Told]:
        batch = await self._log.read(await self._log.starts(["perennial.customers"]), 10_000)
        received = [open_envelope(each.envelope) for records in batch.values() for each in records]
        return [
            Told(
                event.fact, event.customer_id, event.segment_id, event.reason, event.because,
                envelope.imported,
            )
            for event, envelope in received
            if isinstance(event, SegmentEntered | SegmentLeft)
        ]  # fmt: skip


Verdict = Callable[[Json], Awaitable[httpx.Response]]


@pytest.fixture
def segments(client: httpx.AsyncClient, platform_log: Log) -> Segments:
    return Segments(client, platform_log)
