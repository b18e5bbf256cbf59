"""Read-your-writes across services: a read waits for the event that the caller's write answered with."""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Header
from pydantic import Field
from starlette.requests import Request

from perennial_events import Connection
from perennial_http.bodies import Answer
from perennial_http.problems import Invalid, Unavailable
from perennial_http.runtime import runtime_of

WAIT_SECONDS = 2.0
POLL_SECONDS = 0.02
"""Another process may apply the event, which no signal in this one tells of."""

BUSY_POLL_SECONDS = 0.1
"""While this process applies batches itself, it will most likely be the one that applies the event too."""

_STATE = """
    SELECT EXISTS (SELECT FROM inbox WHERE event_id = $1) AS applied,
           EXISTS (SELECT FROM parked_events WHERE event_id = $1) AS parked
"""


class AppliesEvents(Protocol):
    """What the wait needs of a database; `perennial_events.Database` is one."""

    def reader(self) -> AbstractAsyncContextManager[Connection]: ...

    def next_applied(self) -> "asyncio.Future[frozenset[UUID]]":
        """The events of the next batch that this process applies."""


class Freshness(Answer):
    """How far behind the events a derived answer is."""

    applied_at: datetime | None
    """When the newest event behind this answer was applied; null before the first."""
    lag_ms: Annotated[int, Field(ge=0)]
    """How long that event took, from the moment it was accepted."""


async def wait_for_event(
    database: AppliesEvents, event_id: UUID, *, within: float = WAIT_SECONDS
) -> None:
    """Return once the event's effect can be read here. Raises `Unavailable` after `within` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    while True:
        next_applied = database.next_applied()  # before the look, so that none is missed between
        async with database.reader() as connection:
            applied, parked = await connection.fetchrow(_STATE, event_id)  # type: ignore[misc]
        if parked:
            raise Unavailable(
                "The event is set aside here until an operator releases it.", retry_after=60
            )
        if applied:
            return
        left = deadline - loop.time()
        if left <= 0:
            raise Unavailable(f"The event was not applied within {within:g} seconds; try again.")
        looked_at = loop.time()
        look_again_at = looked_at + min(left, POLL_SECONDS)
        while (await asyncio.wait([next_applied], timeout=look_again_at - loop.time()))[0]:
            if event_id in next_applied.result():
                return
            look_again_at = looked_at + min(left, BUSY_POLL_SECONDS)
            next_applied = database.next_applied()


async def _after(
    request: Request,
    perennial_after: Annotated[
        str | None,
        Header(
            description="A `Perennial-Event` that the answer must include",
            json_schema_extra={"format": "uuid"},
        ),
    ] = None,
) -> None:
    if perennial_after is None:
        return
    try:
        event_id = UUID(perennial_after)
    except ValueError:
        raise Invalid.parameter("Perennial-After", "is not an event id") from None
    await wait_for_event(runtime_of(request.scope).database, event_id)


AFTER = Depends(_after)
"""For reads of derived state: `dependencies=[Authorized("profile:read"), AFTER]`."""
