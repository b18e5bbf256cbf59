"""`/v1/operations`: how far behind a service is, and what it had to set aside."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from pydantic_core import from_json
from sqlalchemy import BigInteger, column

from perennial_events import parked
from perennial_events.parked import Key, ParkedEvent
from perennial_events.watchdog import Lag
from perennial_http.bodies import Answer
from perennial_http.keys import Authorized
from perennial_http.paging import Page, PageQuery, read_cursor, write_cursor
from perennial_http.problems import NotFound
from perennial_http.transaction import Session, TransactionalRoute
from perennial_http.types import Time


class OperatedWorker(Protocol):
    """What the routes need of a service's worker; `perennial_events.Worker` is one."""

    group: str

    async def lag(self) -> list[Lag]: ...

    async def retry_parked(self, key: Key) -> tuple[int, str | None]: ...


class LagEntry(Answer):
    topic: str
    partition: int
    position: int
    """The offset of the next event to apply."""
    end: int
    behind: int
    """How many events wait."""
    waiting_ms: int
    """For how long the first of them has waited."""


class LagAnswer(Answer):
    group: str
    behind: int
    waiting_ms: int
    partitions: list[LagEntry]


class ParkedAnswer(Answer):
    id: int
    topic: str
    partition: int
    offset: int
    event_id: UUID
    type: str
    key: str
    time: Time
    reason: str | None
    """Why it cannot be applied; null where it only waits behind an earlier event of its key."""
    attempts: int
    parked_at: Time
    discarded_at: Time | None
    data: Any


class ParkedQuery(PageQuery):
    key: Annotated[str | None, Field(max_length=128)] = None
    discarded: bool = False


class RetryAnswer(Answer):
    applied: int
    still_parked: str | None
    """The reason why the next event of the key failed again, if one did."""


class NotParked(NotFound):
    def __init__(self, id: int) -> None:
        super().__init__(f"No event is parked under {id}.")


_BY_ID = (column("id", BigInteger),)

ParkedId = Annotated[int, Field(ge=1, le=2**63 - 1)]


def operations(worker: OperatedWorker) -> APIRouter:
    """The routes by which an operator looks after one service's events."""
    router = APIRouter(prefix="/v1/operations", route_class=TransactionalRoute, tags=["operations"])
    look, act = [Authorized("operations:read")], [Authorized("operations:write")]

    @router.get("/lag", dependencies=look)
    async def get_lag() -> LagAnswer:
        """How many events this service has still to apply, and for how long they have waited."""
        entries = _lag_entries(await worker.lag(), datetime.now(UTC))
        return LagAnswer(
            group=worker.group,
            behind=sum(entry.behind for entry in entries),
            waiting_ms=max((entry.waiting_ms for entry in entries), default=0),
            partitions=entries,
        )

    @router.get("/parked", dependencies=look)
    async def list_parked(
        query: Annotated[ParkedQuery, Query()], session: Session
    ) -> Page[ParkedAnswer]:
        """Events that could not be applied, and those that wait behind them."""
        after = read_cursor(query.cursor, _BY_ID)[0] if query.cursor is not None else 0
        found = await parked.find(
            session,
            after=after,
            most=query.limit + 1,
            key=query.key,
            with_discarded=query.discarded,
        )
        page = found[: query.limit]
        more = write_cursor([page[-1].id]) if len(found) > query.limit else None
        return Page(data=[_render(event) for event in page], next_cursor=more)

    @router.get("/parked/{id}", dependencies=look)
    async def get_parked(id: ParkedId, session: Session) -> ParkedAnswer:
        return _render(await _one(session, id))

    @router.post("/parked/{id}/retry", dependencies=act)
    async def retry_parked(id: ParkedId, session: Session) -> RetryAnswer:
        """Apply the parked events of this one's key, in order, until one fails again."""
        event = await _one(session, id)
        applied, reason = await worker.retry_parked((event.partition.topic, event.envelope.key))
        return RetryAnswer(applied=applied, still_parked=reason)

    @router.post("/parked/{id}/discard", dependencies=act)
    async def discard_parked(id: ParkedId, session: Session) -> ParkedAnswer:
        """Give the event up for good: those behind it can then be retried."""
        event = await _one(session, id)
        if await parked.discard(session, id) is None:
            raise NotParked(id)
        return _render(event._replace(discarded_at=datetime.now(UTC)))

    return router


async def _one(session: Session, id: int) -> ParkedEvent:
    found = await parked.find(session, after=id - 1, most=1, with_discarded=True)
    if not found or found[0].id != id:
        raise NotParked(id)
    return found[0]


def _lag_entries(lags: Sequence[Lag], now: datetime) -> list[LagEntry]:
    return [
        LagEntry(
            topic=lag.partition.topic,
            partition=lag.partition.number,
            position=lag.position,
            end=lag.end,
            behind=lag.events,
            waiting_ms=(
                0
                if lag.waiting_since is None
                else max(0, int((now - lag.waiting_since).total_seconds() * 1000))
            ),
        )
        for lag in lags
    ]


def _render(event: ParkedEvent) -> ParkedAnswer:
    return ParkedAnswer(
        id=event.id,
        topic=event.partition.topic,
        partition=event.partition.number,
        offset=event.offset,
        event_id=event.envelope.id,
        type=event.envelope.type,
        key=event.envelope.key,
        time=event.envelope.time,
        reason=event.reason,
        attempts=event.attempts,
        parked_at=event.parked_at,
        discarded_at=event.discarded_at,
        data=_data(event.envelope.data),
    )


def _data(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        return text


__all__ = ["OperatedWorker", "operations"]
