"""Idempotency-Key: the second request with a key gets the first one's answer, and no second effect.

The key's row commits with the effect. While the first request works, an advisory lock says so; should
two ever pass it at once, the row's primary key lets only one of them commit.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import from_json, to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.types import Scope

from perennial_events import driver, outbox
from perennial_events.values import utc_now
from perennial_http.problems import Invalid, KeyReused, RequestInFlight
from perennial_http.runtime import caller_of

KEPT_FOR = timedelta(hours=24)
PURGED_AT_ONCE = 1_000
IDEMPOTENCY_KEY_PARAMETER: dict[str, Any] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same request within 24 hours, it replays the first answer.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
}
"""How OpenAPI tells of the header."""
_MAX_SCOPE = 400
_KEY = re.compile(rb"[\x20-\x7e]{1,255}")

_CLAIM = text("""
    SELECT pg_try_advisory_xact_lock(:lock) AS claimed, fingerprint, status, headers::text, body
    FROM (SELECT 1) AS always
    LEFT JOIN idempotency ON scope = :scope AND key = :key AND created_at > :since
""")
# With the events, which close a transaction too: one round trip less for what every shop does most.
_STORE = f"""
    WITH told AS ({outbox.INSERT})
    INSERT INTO idempotency (scope, key, fingerprint, status, headers, body, created_at, customers)
    VALUES ($8, $9, $10, $11, $12::text::jsonb, $13, $14, $16)
    ON CONFLICT (scope, key) DO UPDATE SET
        fingerprint = excluded.fingerprint, status = excluded.status, headers = excluded.headers,
        body = excluded.body, created_at = excluded.created_at, customers = excluded.customers
    WHERE idempotency.created_at <= $15
    RETURNING true
"""  # noqa: S608 - put together from constants
_PURGE = text("""
    DELETE FROM idempotency WHERE (scope, key) IN (
        SELECT scope, key FROM idempotency WHERE created_at <= :before ORDER BY created_at LIMIT :most)
""")


@dataclass(frozen=True, slots=True)
class Claim:
    """A request's wish to be carried out once: whose, which, and what exactly."""

    scope: str
    key: str
    fingerprint: bytes

    @property
    def lock(self) -> int:
        """A 64-bit number for PostgreSQL's advisory locks."""
        digest = hashlib.blake2b(f"{self.scope}\n{self.key}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, signed=True)


def claim_of(scope: Scope, body: bytes) -> Claim | None:
    """The claim that the request's Idempotency-Key makes, or None without one. Raises `Invalid`."""
    sent = [value for name, value in scope["headers"] if name == b"idempotency-key"]
    if not sent:
        return None
    if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
        raise Invalid.parameter(
            "Idempotency-Key", "must be one header of 1 to 255 printable ASCII characters"
        )
    caller = caller_of(scope)
    where = f"{caller.key_id if caller else ''} {scope['method']} {scope['path']}"
    if len(where) > _MAX_SCOPE:
        where = hashlib.sha256(where.encode()).hexdigest()
    fingerprint = hashlib.sha256(scope["query_string"] + b"\n" + body).digest()
    return Claim(where, sent[0].decode("ascii"), fingerprint)


async def find_answer(session: AsyncSession, claim: Claim) -> Response | None:
    """The answer kept for this claim; None, and the claim is ours until the transaction ends.

    Raises `KeyReused` for another request under the same key, and `RequestInFlight`.
    """
    found = (
        await session.execute(
            _CLAIM,
            {
                "lock": claim.lock,
                "scope": claim.scope,
                "key": claim.key,
                "since": utc_now() - KEPT_FOR,
            },
        )
    ).one()
    if found.fingerprint is None:
        if not found.claimed:
            raise RequestInFlight
        return None
    if found.fingerprint != claim.fingerprint:
        raise KeyReused("Use a new key for a new request.")
    answer = Response(content=found.body, status_code=found.status)
    answer.raw_headers = [
        (name.encode("latin-1"), value.encode("latin-1"))
        for name, value in from_json(found.headers)
    ]
    answer.raw_headers.append((b"idempotent-replayed", b"true"))
    return answer


async def keep_answer(
    session: AsyncSession, claim: Claim, answer: Response, customers: Sequence[str]
) -> None:
    """Keep a successful answer in the effect's own transaction, and write its events: the transaction's
    last act.

    `customers` are those whom it is about: it goes when one of them is erased.
    Raises `RequestInFlight` when another request with this key committed after our look-up: its effect
    stands, ours rolls back, and a retry is answered with the other's answer.
    """
    now = utc_now()
    headers = [
        (name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.raw_headers
    ]
    connection = await driver(session)
    stored = await connection.fetchval(
        _STORE,
        *outbox.take(session),
        claim.scope,
        claim.key,
        claim.fingerprint,
        answer.status_code,
        to_json(headers).decode(),
        bytes(answer.body),
        now,
        now - KEPT_FOR,
        customers,
    )
    if not stored:
        raise RequestInFlight


async def purge_idempotency(session: AsyncSession, now: datetime) -> int:
    """Delete answers older than a day, a thousand at most; returns how many went. A timer calls it."""
    result = await session.execute(_PURGE, {"before": now - KEPT_FOR, "most": PURGED_AT_ONCE})
    return int(result.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult
