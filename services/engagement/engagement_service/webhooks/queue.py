"""The queue of deliveries as the deliverer reads and writes it: set-wise, one statement each."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from engagement_service.webhooks import rules
from engagement_service.webhooks.payloads import Payload
from perennial_events import driver, emit
from perennial_events.catalogue import WebhookEndpointDisabled

# What is due, a few for each endpoint that is sent to. For an ordered endpoint only a customer's first:
# the next one waits until it was delivered or given up.
_DUE = """
    SELECT due.delivery_id, e.endpoint_id, due.event_id, due.attempts, told.type, told.at, told.data,
           e.url, e.payload, e.secret, e.previous_secret, e.previous_until,
           e.failures, e.failing_since, e.open_until
    FROM webhook_endpoints AS e
    CROSS JOIN LATERAL (
        SELECT d.delivery_id, d.event_id, d.attempts, d.due_at
        FROM webhook_deliveries AS d
        WHERE d.endpoint_id = e.endpoint_id AND d.status = 'pending' AND d.due_at <= $1
          AND d.delivery_id <> ALL ($2::bigint[])
          AND (d.order_key IS NULL OR NOT EXISTS (
              SELECT FROM webhook_deliveries AS earlier
              WHERE earlier.endpoint_id = d.endpoint_id AND earlier.order_key = d.order_key
                AND earlier.status = 'pending' AND earlier.delivery_id < d.delivery_id))
        ORDER BY d.due_at, d.delivery_id
        LIMIT $4
    ) AS due
    JOIN webhook_messages AS told USING (event_id)
    WHERE e.status = 'active' AND (e.open_until IS NULL OR e.open_until <= $1)
      AND e.endpoint_id <> ALL ($3::text[])
    ORDER BY due.due_at, due.delivery_id
"""
_RECORD = """
    UPDATE webhook_deliveries AS d
    SET status = r.status, attempts = d.attempts + 1, due_at = r.due_at, last_status = r.last_status,
        last_failure = r.last_failure, finished_at = r.finished_at
    FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::integer[], $5::text[],
                $6::timestamptz[])
        AS r (delivery_id, status, due_at, last_status, last_failure, finished_at)
    WHERE d.delivery_id = r.delivery_id AND d.status = 'pending'
"""
_FARE = """
    UPDATE webhook_endpoints AS e
    SET failures = f.failures, failing_since = f.failing_since, open_until = f.open_until
    FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::timestamptz[])
        AS f (endpoint_id, failures, failing_since, open_until)
    WHERE e.endpoint_id = f.endpoint_id AND e.status = 'active'
"""
_DISABLE = """
    UPDATE webhook_endpoints AS e
    SET status = 'disabled', note = g.note, version = version + 1
    FROM unnest($1::text[], $2::text[]) AS g (endpoint_id, note)
    WHERE e.endpoint_id = g.endpoint_id AND e.status <> 'disabled'
    RETURNING e.endpoint_id
"""


class Due(NamedTuple):
    """A delivery whose time has come, with all that it takes to send it."""

    delivery_id: int
    endpoint_id: str
    event_id: UUID
    attempts: int
    type: str
    at: datetime
    data: str
    url: str
    payload: Payload
    secret: bytes
    previous_secret: bytes | None
    previous_until: datetime | None
    failures: int
    failing_since: datetime | None
    open_until: datetime | None

    @property
    def breaker(self) -> rules.Breaker:
        return rules.Breaker(self.failures, self.failing_since, self.open_until)


class Result(NamedTuple):
    """What became of an attempt, as it is written down."""

    delivery_id: int
    status: rules.DeliveryStatus
    due_at: datetime
    last_status: int | None
    last_failure: str | None
    finished_at: datetime | None


class GivenUp(NamedTuple):
    """Why an endpoint is sent nothing any more."""

    reason: str
    last_status: int | None
    note: str


async def due(
    connection: Any, now: datetime, held: Collection[int], full: Collection[str], each: int
) -> list[Due]:
    """Deliveries that are due, at most `each` for one endpoint; none that are held in memory already,
    none for endpoints that have enough to do."""
    rows = await connection.fetch(_DUE, now, list(held), list(full), each)
    return [Due(*row) for row in rows]


async def record(
    session: AsyncSession,
    results: Sequence[Result],
    breakers: Mapping[str, rules.Breaker],
    given_up: Mapping[str, GivenUp],
    now: datetime,
) -> list[str]:
    """Write down what became of attempts, how endpoints fare, and which are disabled from now on;
    return those."""
    connection = await driver(session)
    await connection.execute(_RECORD, *map(list, zip(*results, strict=True)))
    if breakers:
        fares = [(id, *breaker) for id, breaker in breakers.items()]
        await connection.execute(_FARE, *map(list, zip(*fares, strict=True)))
    if not given_up:
        return []
    notes = [each.note for each in given_up.values()]
    rows = await connection.fetch(_DISABLE, list(given_up), notes)
    disabled = [row["endpoint_id"] for row in rows]
    for id in disabled:
        emit(
            session,
            WebhookEndpointDisabled(
                endpoint_id=id,
                reason="gone" if given_up[id].reason == "gone" else "failing",
                last_status=given_up[id].last_status,
            ),
            at=now,
        )
    return disabled
