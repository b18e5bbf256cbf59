"""The audit log: which key read or changed whose personal data, when, and by which operation.

A change is recorded in its own transaction. Reads are kept in memory and written every second, so
that they cost no round trip: a process that is killed loses its last second of them. No value is
ever recorded, only ids and the names of fields.
"""

import asyncio
import re
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal, NamedTuple
from uuid import UUID

import structlog
import uuid_utils.compat as uuids
from fastapi import params
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import Response

from perennial_events.database import Database
from perennial_events.driver import driver
from perennial_events.envelope import Envelope
from perennial_events.errors import is_transient
from perennial_events.values import utc_now
from perennial_http.runtime import caller_of
from perennial_http.telemetry import request_id

WRITTEN_EVERY_SECONDS = 1.0
WRITTEN_AT_ONCE = 20
"""A look-up of contacts names 500 customers: requests must get their turn in between."""

MOST_WAITING = 50_000
"""So many reads wait while the database is away; after that the oldest are given up, and counted."""

READS_KEPT_FOR = timedelta(days=400)
PURGED_AT_ONCE = 5_000

Action = Literal["read", "changed"]

_FORGET = text("""
    DELETE FROM audit WHERE id IN (
        SELECT id FROM audit WHERE id < :before AND action = 'read' ORDER BY id LIMIT :most)
""")
_NAMED = re.compile(rb'"customer_id":"([A-Za-z0-9._:-]{1,64})"')

_log = structlog.get_logger(__name__)


async def _nothing_asked() -> None:
    """Nothing is checked."""


PERSONAL = params.Depends(_nothing_asked)
"""Declares that a route reads or changes personal data, so that each request is put on record.

`dependencies=[Authorized("profile:read"), PERSONAL]`, on a route of `TransactionalRoute`. Whom it is
about is taken from the path, from the answer's `customer_id` fields and from the events' keys.
"""


class Entry(NamedTuple):
    """One line of the audit log. Its id is a UUIDv7 and so in order of time."""

    id: UUID
    at: datetime
    actor: str
    action: Action
    operation: str
    customer_ids: list[str]
    fields: list[str]
    """The names of the fields that a change sent; never their values."""
    request_id: str


def entry(
    request: Request,
    action: Action,
    operation: str,
    customer_ids: Iterable[str],
    fields: Iterable[str] = (),
) -> Entry:
    """The line that this request is to leave behind. `operation` is the path's template."""
    caller = caller_of(request.scope)
    return Entry(
        uuids.uuid7(),
        utc_now(),
        caller.key_id if caller else "",
        action,
        f"{request.method} {operation}",
        list(customer_ids),
        sorted(fields),
        request_id(request.scope),
    )


def customers_of(
    request: Request, answer: Response, emitted: Collection[Envelope] = ()
) -> list[str]:
    """The customers that a request is about, by its path, its answer and its events."""
    found = {match.decode("ascii") for match in _NAMED.findall(answer.body)}
    found.update(envelope.key for envelope in emitted)
    if (in_path := request.path_params.get("customer_id")) is not None:
        found.add(str(in_path))
    return sorted(found)


async def write_entries(session: AsyncSession, entries: Sequence[Entry]) -> None:
    """Put entries on record in this session's transaction."""
    connection = await driver(session)
    await connection.copy_records_to_table("audit", records=entries, columns=Entry._fields)


class AuditTrail:
    """The reads of this process that are not written yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: deque[Entry] = deque(maxlen=MOST_WAITING)
        self._given_up = 0

    def noted(self, entry: Entry) -> None:
        """Keep a read; it is on record within about a second."""
        self._given_up += len(self._waiting) == MOST_WAITING
        self._waiting.append(entry)

    async def keep_written(self) -> None:
        """Write what was noted every second, until cancelled; what is left then is written too."""
        try:
            while True:
                await asyncio.sleep(WRITTEN_EVERY_SECONDS)
                await self.write()
        finally:
            await self.write()

    async def write(self) -> None:
        """Write all that waits. Where the database is away it goes on waiting."""
        while entries := list(islice(self._waiting, WRITTEN_AT_ONCE)):
            given_up = self._given_up
            try:
                async with self._database.transaction() as session:
                    await write_entries(session, entries)
            except Exception as error:
                if not is_transient(error):
                    raise
                _log.warning("reads_not_on_record_yet", waiting=len(self._waiting))
                return
            # Those that were given up meanwhile are among those that were just written.
            for _ in range(len(entries) - (self._given_up - given_up)):
                self._waiting.popleft()
        if self._given_up:
            _log.error("reads_never_on_record", lost=self._given_up)
            self._given_up = 0


async def forget_reads(session: AsyncSession, now: datetime) -> int:
    """Delete reads older than 400 days, some at a time; changes stay. A timer calls it."""
    milliseconds = int((now - READS_KEPT_FOR).timestamp() * 1000)
    before = UUID(int=milliseconds << 80)  # the least UUIDv7 of that moment
    result = await session.execute(_FORGET, {"before": before, "most": PURGED_AT_ONCE})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult
