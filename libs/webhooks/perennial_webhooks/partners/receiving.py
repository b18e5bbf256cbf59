"""What becomes of a partner's webhook: verified, mapped, applied once; or parked with its reason."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import structlog
from pydantic_core import from_json, to_json
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Database, Timer, driver, outbox
from perennial_http import NotFound, Problem, Unauthorized
from perennial_http.faults import problem_of
from perennial_webhooks.expressions import DoesNotMap
from perennial_webhooks.mapping import PartnerMapping
from perennial_webhooks.partners.commands import Delivery, apply_commands, read_commands
from perennial_webhooks.partners.registry import Partner, Registry
from perennial_webhooks.paths import Source
from perennial_webhooks.verification import NOBODY, Scheme, verify

log = structlog.get_logger("partners")

REMEMBERED_FOR = timedelta(days=30)
"""For so long a delivery that comes again is known. Partners retry for days."""
_FORGOTTEN_AT_ONCE = 5_000
_MOST_ID = 200

# Credentials are not kept with a parked payload.
_NOT_KEPT = frozenset({"authorization", "cookie", "proxy-authorization", "webhook-signature"})

_TAKE = """
    INSERT INTO partner_deliveries (partner, webhook_id, received_at) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING RETURNING true
"""
_PARK = """
    INSERT INTO partner_parked (partner, webhook_id, headers, body, reason, parked_at)
    VALUES ($1, $2, $3::text::jsonb, $4, $5, $6)
"""
_PARKED = "SELECT id, webhook_id, headers::text, body FROM partner_parked WHERE partner = $1 AND id = $2 FOR UPDATE"
_STILL_PARKED = text(
    "UPDATE partner_parked SET reason = :reason, attempts = attempts + 1 WHERE id = :id"
)
_FORGET = text("""
    DELETE FROM partner_deliveries WHERE (partner, webhook_id) IN (
        SELECT partner, webhook_id FROM partner_deliveries WHERE received_at < :before LIMIT :most)
""")

Became = Literal["applied", "duplicate", "parked"]


class NotTheirs(Unauthorized):
    """Also where there is no such partner: who may not send does not learn who is known."""

    title = "The request is not signed by a known partner"

    def __init__(self) -> None:
        super().__init__(
            "There is no such partner, or the request is not signed with its secret or not in time.",
            headers={"WWW-Authenticate": 'Webhook realm="perennial", Basic realm="perennial"'},
        )


class NotParked(NotFound):
    def __init__(self, id: int) -> None:
        super().__init__(f"Nothing of this partner is parked under {id}.")


class Outcome(NamedTuple):
    """What became of a webhook, and why where it was parked."""

    became: Became
    webhook_id: str
    reason: str | None = None
    event_id: str | None = None


class Request(NamedTuple):
    """A webhook as it came."""

    partner: str
    headers: Mapping[str, str]
    body: bytes


class _Refused(Exception):
    """Carries a reason out of the transaction that must not commit."""


async def receive(
    database: Database, registry: Registry, request: Request, now: datetime
) -> Outcome:
    """Take a webhook: its effect and the note that it was taken commit together. Raises `NotTheirs`.

    A refusal rolls the effect back; the payload is then parked in a transaction of its own.
    """
    webhook_id = _fallback_id(request)
    try:
        async with database.transaction() as session:
            partner, scheme = await authenticate(session, registry, request, now)
            mapping = registry.mapping(partner)
            try:
                source = mapping.read(request.body, request.headers)
                webhook_id = _webhook_id(mapping, source, request, scheme)
                if not await _take(session, request.partner, webhook_id, now):
                    return Outcome("duplicate", webhook_id)
                delivery = Delivery(request.partner, webhook_id, now)
                await _apply(session, registry, partner, source, delivery)
            except Exception as error:
                raise _Refused(_reason(error)) from error
            emitted = outbox.collected(session)
            return Outcome("applied", webhook_id, event_id=str(emitted[-1].id) if emitted else None)
    except _Refused as refused:
        return await _park(database, request, webhook_id, str(refused), now)


async def authenticate(
    session: AsyncSession, registry: Registry, request: Request, now: datetime
) -> tuple[Partner, Scheme]:
    """The partner that sent this, and how that is known. Raises `NotTheirs`."""
    partner = await registry.find(session, request.partner)
    verification = None if partner is None else registry.verification(partner)
    if partner is not None and verification is None:
        log.error("a partner's secret cannot be opened", partner=request.partner)
    if not verify(verification or NOBODY, request.headers, request.body, now) or (
        partner is None or verification is None
    ):
        raise NotTheirs
    return partner, verification.scheme


async def rehearse(
    session: AsyncSession, registry: Registry, partner: Partner, source: Source, now: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], str | None]:
    """What a payload would do: commands, events, and the reason why it would be parked. Does nothing."""
    shown: list[dict[str, Any]] = []
    reason = None
    trial = await session.begin_nested()
    try:
        commands = registry.mapping(partner).commands(source)
        shown = [{"command": name, "fields": fields} for name, fields in commands]
        delivery = Delivery(partner.partner, "rehearsal", now)
        await _apply(session, registry, partner, source, delivery)
        await session.flush()
    except Exception as error:  # noqa: BLE001 - whatever cannot be the payload's fault is raised again
        reason = _reason(error)
    told = [
        {"type": each.type, "subject": each.subject, "data": from_json(each.data)}
        for each in outbox.collected(session)
    ]
    outbox.restore(session, [])
    await trial.rollback()
    return shown, told if reason is None else [], reason


async def replay(
    session: AsyncSession, registry: Registry, partner_name: str, id: int, now: datetime
) -> Outcome:
    """Apply what is parked once more, with the mapping as it is now; where it fails, nothing but its
    reason changes."""
    partner = await registry.get(session, partner_name)
    webhook_id, headers, body = await _parked(session, partner_name, id)
    delivery = Delivery(partner_name, webhook_id, now)
    try:
        async with session.begin_nested():
            source = registry.mapping(partner).read(body, headers)
            await _apply(session, registry, partner, source, delivery)
    except Exception as error:  # noqa: BLE001 - what is not the payload's fault is raised again
        reason = _reason(error)
        outbox.restore(session, [])
        await session.execute(_STILL_PARKED, {"reason": reason, "id": id})
        return Outcome("parked", webhook_id, reason)
    await _unpark(session, id)
    return Outcome("applied", webhook_id)


async def discard(session: AsyncSession, partner: str, id: int) -> None:
    """Give a parked payload up. Raises `NotParked`."""
    await _parked(session, partner, id)
    await _unpark(session, id)


async def _apply(
    session: AsyncSession, registry: Registry, partner: Partner, source: Source, delivery: Delivery
) -> None:
    commands = registry.mapping(partner).commands(source)
    await apply_commands(session, read_commands(registry.commands, commands), delivery)
    # What the database refuses is refused here, where it is parked.
    await session.flush()


async def _take(session: AsyncSession, partner: str, webhook_id: str, now: datetime) -> bool:
    """Whether this delivery is new; waits for a twin that is being worked on."""
    connection = await driver(session)
    return bool(await connection.fetchval(_TAKE, partner, webhook_id, now))


async def _park(
    database: Database, request: Request, webhook_id: str, reason: str, now: datetime
) -> Outcome:
    kept = {name: value for name, value in request.headers.items() if name not in _NOT_KEPT}
    headers = to_json(kept).decode()
    async with database.transaction() as session:
        if not await _take(session, request.partner, webhook_id, now):
            return Outcome("duplicate", webhook_id)
        connection = await driver(session)
        await connection.execute(
            _PARK, request.partner, webhook_id, headers, request.body, reason, now
        )
    log.warning("payload parked", partner=request.partner, webhook_id=webhook_id)
    return Outcome("parked", webhook_id, reason)


async def _parked(
    session: AsyncSession, partner: str, id: int
) -> tuple[str, dict[str, str], bytes]:
    row = await (await driver(session)).fetchrow(_PARKED, partner, id)
    if row is None:
        raise NotParked(id)
    return row["webhook_id"], from_json(row["headers"]), row["body"]


async def _unpark(session: AsyncSession, id: int) -> None:
    await session.execute(text("DELETE FROM partner_parked WHERE id = :id"), {"id": id})


def _reason(error: Exception) -> str:
    """The sentence why a payload is parked. What is not the payload's fault is raised again."""
    if isinstance(error, DoesNotMap):
        return str(error).replace("\0", "\\0")[:1_000]
    problem = error if isinstance(error, Problem) else problem_of(error)
    if problem.status >= 500:
        raise error
    return problem.detail.replace("\0", "\\0")[:1_000]


def _webhook_id(mapping: PartnerMapping, source: Source, request: Request, scheme: Scheme) -> str:
    """What makes two deliveries the same. Where `webhook-id` is signed, that is it."""
    found = None if scheme == "standard" else mapping.webhook_id(source)
    return _fitting(found) if found else _fallback_id(request)


def _fallback_id(request: Request) -> str:
    """For payloads without an id: the same bytes are the same delivery."""
    sent = request.headers.get("webhook-id")
    return _fitting(sent) if sent else hashlib.sha256(request.body).hexdigest()


def _fitting(id: str) -> str:
    """The id itself, or a digest of one that no index takes."""
    plain = len(id) <= _MOST_ID and "\0" not in id
    return id if plain else hashlib.sha256(id.encode()).hexdigest()


async def _forget_old(session: AsyncSession, now: datetime) -> int:
    found = await session.execute(
        _FORGET, {"before": now - REMEMBERED_FOR, "most": _FORGOTTEN_AT_ONCE}
    )
    return int(found.rowcount)  # type: ignore[attr-defined]  # a DELETE's result is a CursorResult


HOUSEKEEPING = (Timer("partner deliveries", 60.0, _forget_old),)
"""For the timers of a service that hears partners."""
