"""Who is a member: after each event, at the end of each window, and when a rule is new.

Two advisory locks keep this exact with any number of workers. Whoever evaluates holds `_RULES` shared,
and whoever changes a rule holds it alone: so everybody who begins after a new rule knows of it. And
whoever evaluates a customer holds that customer's lock, taken before the statement looks: so of two
transactions that each bring half of what a rule wants, the second sees both halves.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zlib import crc32

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Connection, Event, Received, driver, emit, reading_driver
from perennial_events.catalogue import Clicked, SegmentEntered, SegmentLeft
from perennial_events.catalogue.customers import SegmentChange
from perennial_events.identities import ANONYMOUS
from profile_service.segments import evaluation
from profile_service.segments.evaluation import Change, Definition, Definitions
from profile_service.segments.fields import EVERY_CLICK
from profile_service.segments.rules import STITCHED
from profile_service.state.facts import name_of
from profile_service.state.identity import visitor

AT_ONCE = 500
"""Customers that are looked at, or changes that are told, in one transaction."""

_MOST_REASONS = 10

_RULES, _CUSTOMERS, _RECOMPUTING, _TELLING = 7_310_001, 7_310_002, 7_310_003, 7_310_004
_BUCKETS = 256
"""Customers share locks: a batch of thousands must fit into the server's table of them."""

_RECOMPUTE_TIMEOUT = "10min"

# A generic plan always: these statements are long, and planning them anew takes longer than they do.
_SHARE = """
    SELECT pg_advisory_xact_lock_shared($1),
           set_config('plan_cache_mode', 'force_generic_plan', true), set_config('jit', 'off', true)
"""

_ALONE = "SELECT pg_advisory_xact_lock($1)"

_IF_ALONE = """
    SELECT pg_try_advisory_xact_lock($1), set_config('statement_timeout', $2, true),
           set_config('work_mem', '64MB', true), set_config('jit', 'off', true)
"""

_LOCK = "SELECT pg_advisory_xact_lock($1, bucket) FROM unnest($2::integer[]) AS bucket"

_DEFINITIONS = """
    SELECT segment_id, rule::text, status = 'computing' FROM segments
    WHERE status <> 'removing' ORDER BY segment_id
"""

# Of the customers themselves only those that this very transaction met: every segment is new to them.
_RESOLVE = """
    SELECT identity, customer_id, false AS met FROM aliases
    WHERE identity = ANY ($1::text[]) AND customer_id IS NOT NULL
    UNION ALL
    SELECT customer_id, customer_id, true FROM customers
    WHERE customer_id = ANY ($1::text[]) AND created_at = now()
"""

_LATER = """
    INSERT INTO segment_dues (segment_id, customer_id, due_at)
    SELECT segment_id, customer_id, $3
    FROM unnest($1::text[]) AS segment_id, unnest($2::text[]) AS customer_id
"""

_DUE = """
    SELECT d.segment_id, d.customer_id FROM segment_dues AS d JOIN segments AS s USING (segment_id)
    WHERE d.due_at <= $1 AND s.status = 'ready' ORDER BY d.due_at LIMIT $2
"""

_UNTOLD = """
    DELETE FROM segment_changes WHERE id IN (
        SELECT id FROM segment_changes ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING id, segment_id, customer_id, entered, at
"""

_UNFINISHED = """
    SELECT segment_id, status, asked FROM segments WHERE status <> 'ready'
    ORDER BY updated_at, segment_id
"""

_FINISHED = """
    UPDATE segments SET status = 'ready'
    WHERE segment_id = $1 AND asked = $2 AND status = 'computing'
"""

_EMPTIED = """
    WITH gone AS (
        DELETE FROM segment_members WHERE segment_id = $1 RETURNING customer_id
    ), forgotten AS (
        DELETE FROM segment_dues WHERE segment_id = $1
    ), removed AS (
        DELETE FROM segments WHERE segment_id = $1 AND status = 'removing'
    )
    INSERT INTO segment_changes (segment_id, customer_id, entered, at)
    SELECT $1, customer_id, false, $2 FROM gone
"""


async def hold_rules(session: AsyncSession) -> Connection:
    """Let nobody evaluate until this transaction ends: it changes a rule."""
    connection = await driver(session)
    await connection.execute(_ALONE, _RULES)
    return connection


async def definitions_of(connection: Connection) -> Definitions:
    """Every segment that there is, with its rule."""
    return tuple(Definition(*row) for row in await connection.fetch(_DEFINITIONS))


async def follow_events(
    session: AsyncSession, batch: Sequence[Received[Event]], now: datetime
) -> None:
    """Bring the segments that depend on these events up to date for the customers whom they name."""
    connection = await driver(session)
    await connection.execute(_SHARE, _RULES)
    definitions = await definitions_of(connection)
    if not definitions:
        return
    touched, met = await _touched(connection, batch)
    triggers = evaluation.triggers(definitions)
    happened = frozenset[str]().union(*(each.names for each in touched.values()))
    everything = bool(met or happened & STITCHED)
    wanted = [id for id, on in triggers.items() if everything or on & happened]
    relevant = STITCHED.union(*(triggers[id] for id in wanted))
    ids = {id for id, each in touched.items() if id in met or each.names & relevant}
    if not ids or not wanted:
        return
    computing = {each.segment_id for each in definitions if each.computing}
    if waiting := computing.intersection(wanted):
        # The whole base is being looked at: whom it saw before this batch comes again afterwards.
        await connection.execute(_LATER, sorted(waiting), sorted(ids), now)
    ready = [id for id in wanted if id not in computing]
    for change in await _review(connection, ids, definitions, ready, now):
        by = touched[change.customer_id]
        because = sorted(by.names & triggers[change.segment_id])[:_MOST_REASONS]
        _tell(session, change, "event", because, imported=not by.live)


@dataclass(slots=True)
class _Touched:
    """What a batch says of one customer. `live`: not only imported history."""

    names: set[str] = field(default_factory=set)
    live: bool = False


async def _touched(
    connection: Connection, batch: Sequence[Received[Event]]
) -> tuple[dict[str, _Touched], set[str]]:
    """What happened to which customers, and the ids of those who were met in this transaction."""
    identities: defaultdict[str, _Touched] = defaultdict(_Touched)
    for event, envelope in batch:
        names = {name_of(event)}
        if isinstance(event, Clicked):
            named: Iterable[str] = (visitor(event.customer_id, event.anonymous_id),)
            names.add(EVERY_CLICK)
        else:
            # A merge that is undone names the other one, too, who is not to be found by it any more.
            named = filter(None, (getattr(event, key, None) for key in ("customer_id", "into_id")))
        for identity in named:
            each = identities[identity]
            each.names |= names
            each.live = each.live or not envelope.imported
    # An id that was merged into another stays itself, so that it leaves what it was a member of.
    customers = {id: each for id, each in identities.items() if not id.startswith(ANONYMOUS)}
    met = set()
    for identity, customer_id, new in await connection.fetch(_RESOLVE, list(identities)):
        if new:
            met.add(customer_id)
            continue
        owner = customers.setdefault(customer_id, _Touched())
        owner.names |= identities[identity].names
        owner.live = owner.live or identities[identity].live
    return customers, met


async def _review(
    connection: Connection,
    customer_ids: Collection[str],
    definitions: Definitions,
    wanted: Sequence[str],
    now: datetime,
) -> list[Change]:
    if not wanted:
        return []
    buckets = sorted({crc32(id.encode()) % _BUCKETS for id in customer_ids})
    await connection.execute(_LOCK, _CUSTOMERS, buckets)
    return await evaluation.review(connection, customer_ids, definitions, wanted, now)


def _tell(
    session: AsyncSession,
    change: Change,
    reason: SegmentChange,
    because: Sequence[str] = (),
    *,
    imported: bool = False,
) -> None:
    kind = SegmentEntered if change.entered else SegmentLeft
    untold = change.id is not None
    told = kind(
        customer_id=change.customer_id,
        segment_id=change.segment_id,
        reason="rule" if untold else reason,
        because=[] if untold else list(because),
    )
    emit(session, told, at=change.at, imported=imported and not untold)


async def review_due(session: AsyncSession, now: datetime) -> int:
    """Look at memberships that time may have changed; how many there were."""
    connection = await reading_driver(session)
    if not await connection.fetch(_DUE, now, 1):
        return 0
    connection = await driver(session)
    await connection.execute(_SHARE, _RULES)
    due = await connection.fetch(_DUE, now, AT_ONCE)
    if not due:
        return 0
    segments, customers = sorted({row[0] for row in due}), {row[1] for row in due}
    definitions = await definitions_of(connection)
    for change in await _review(connection, customers, definitions, segments, now):
        _tell(session, change, "time")
    return len(due)


async def tell_changes(session: AsyncSession) -> int:
    """Tell of changes by new rules, the oldest first; how many were told."""
    connection = await reading_driver(session)
    if not await connection.fetchval("SELECT EXISTS (SELECT FROM segment_changes)"):
        return 0
    connection = await driver(session)
    # One worker at a time: two could tell of leaving before entering.
    if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", _TELLING):
        return 0
    changes = sorted(Change(*row) for row in await connection.fetch(_UNTOLD, AT_ONCE))
    for change in changes:
        _tell(session, change, "rule")
    return len(changes)


async def follow_time(session: AsyncSession, now: datetime) -> int:
    """What time brings about in memberships, some at once; a timer calls it several times a second."""
    return await review_due(session, now) + await tell_changes(session)


async def follow_rules(session: AsyncSession, now: datetime) -> int:
    """Bring the members of the longest waiting new rule up to date; whether there was one.

    Meanwhile events are applied as ever: they note whom this statement may have seen too early. One that
    was changed again while it was computed is computed again.
    """
    connection = await reading_driver(session)
    if not await connection.fetch(_UNFINISHED):
        return 0
    connection = await driver(session)
    if not await connection.fetchval(_IF_ALONE, _RECOMPUTING, _RECOMPUTE_TIMEOUT):
        return 0
    unfinished = await connection.fetch(_UNFINISHED)
    if not unfinished:
        return 0
    segment_id, status, asked = unfinished[0]
    if status == "removing":
        await connection.execute(_EMPTIED, segment_id, now)
        return 1
    definitions = await definitions_of(connection)
    await evaluation.recompute(connection, segment_id, definitions, now)
    await connection.execute(_FINISHED, segment_id, asked)
    return 1
