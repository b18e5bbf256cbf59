"""Bare doors: the same models as the services', one statement or transaction a request, and nothing else.

No keys, no log, no outbox relay, no consumers: `python -m bench.floors.doors PORT DATABASE_URL`.
"""

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

import asyncpg
import uuid_utils.compat as uuids
import uvicorn
from fastapi import FastAPI, Request, Response
from pydantic import AwareDatetime, Field, TypeAdapter
from pydantic_core import to_json

from engagement_service.tracking.calls import AnyCall, Call, Track, Wire
from orders_service.orders.api import OrderBody
from orders_service.orders.lines import items_of
from perennial_events.driver import Connection, connect_arguments

SCHEMA = """
    CREATE TABLE IF NOT EXISTS events (
        message_id text, type text, user_id text, anonymous_id text, at timestamptz, name text,
        properties text);
    CREATE TABLE IF NOT EXISTS placed (
        order_id text PRIMARY KEY, customer_id text NOT NULL, lines jsonb NOT NULL,
        items bigint NOT NULL, placed_at timestamptz NOT NULL);
    CREATE TABLE IF NOT EXISTS waiting (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid NOT NULL, data text);
    CREATE TABLE IF NOT EXISTS answers (
        key text PRIMARY KEY, status integer NOT NULL, body bytea NOT NULL);
    CREATE TABLE IF NOT EXISTS states (customer_id text PRIMARY KEY, state text NOT NULL);
"""
"""`synchronous_commit` is on, as everywhere in the embedded server's settings."""

_COLUMNS = ("message_id", "type", "user_id", "anonymous_id", "at", "name", "properties")
_POOL = 8


class Batch(Wire):
    """Engagement's batch: the same calls, the same checks."""

    batch: list[AnyCall]
    sent_at: Annotated[AwareDatetime | None, Field(alias="sentAt")] = None


_TRACK: TypeAdapter[Track] = TypeAdapter(Track)


def _row(call: Call) -> tuple[Any, ...]:
    properties = getattr(call, "properties", None)
    return (
        call.message_id,
        call.type,
        call.user_id,
        call.anonymous_id,
        call.timestamp,
        getattr(call, "event", None),
        to_json(properties).decode(),
    )


async def _copy(request: Request, calls: Sequence[Call]) -> None:
    async with request.app.state.pool.acquire() as connection:
        await connection.copy_records_to_table(
            "events", records=[_row(call) for call in calls], columns=_COLUMNS
        )


async def batch(request: Request) -> Response:
    taken = Batch.model_validate_json(await request.body())
    await _copy(request, taken.batch)
    answer = {"accepted": len(taken.batch), "refused": []}
    return Response(to_json(answer), media_type="application/json")


async def track(request: Request) -> Response:
    await _copy(request, [_TRACK.validate_json(await request.body())])
    return Response(b'{"success":true}', media_type="application/json")


async def place_order(request: Request) -> Response:
    """The order, its event and its answer under the key, in one transaction."""
    raw = await request.body()
    body = OrderBody.model_validate_json(raw)
    key = request.headers["idempotency-key"]
    lines = to_json(body.lines).decode()
    async with request.app.state.pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "INSERT INTO placed VALUES ($1, $2, $3, $4, $5)",
            body.order_id,
            body.customer_id,
            lines,
            items_of(body.lines),
            datetime.now(UTC),
        )
        await connection.execute(
            "INSERT INTO waiting (event_id, data) VALUES ($1, $2)", uuids.uuid7(), lines
        )
        await connection.execute("INSERT INTO answers VALUES ($1, 201, $2)", key, raw)
    return Response(raw, status_code=201, media_type="application/json")


async def get_state(request: Request) -> Response:
    """A state that stands ready as text, by its key."""
    customer_id = request.path_params["customer_id"]
    pool = request.app.state.pool
    state = await pool.fetchval("SELECT state FROM states WHERE customer_id = $1", customer_id)
    return Response(state, status_code=200 if state else 404, media_type="application/json")


def create(url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = await asyncpg.create_pool(
            **connect_arguments(url), min_size=_POOL, max_size=_POOL, init=_prepare
        )
        app.state.pool = pool
        yield
        await pool.close()

    app = FastAPI(lifespan=lifespan, openapi_url=None)
    app.post("/v1/batch")(batch)
    app.post("/v1/track")(track)
    app.post("/v1/orders")(place_order)
    app.get("/v1/customers/{customer_id}/state")(get_state)
    return app


async def _prepare(connection: Connection) -> None:
    """Tables, where they are missing; one connection at a time, since CREATE races with itself."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(1)")
        await connection.execute(SCHEMA)


if __name__ == "__main__":
    uvicorn.run(
        create(sys.argv[2]),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
    )
