"""Whose a fact is: one table of aliases, the same in every service, that follows merges and stitches.

Facts are kept by the identity that the event named: a customer's id as it is, an anonymous visitor's
behind a `~`. `aliases` says where an identity leads: `into_id` is the next step, as an event told it,
and `customer_id` the end of all steps, the survivor. So a read is one index lookup, and merging and
undoing change this table alone, whatever happened in between.

The steps follow from the log: a customer is merged away by one standing merge at most, whose events
share a key and so their order; of stitches the latest by its own time holds. The ends follow from the
steps. So every service, and every rebuild, ends in the same rows.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, ColumnElement, DateTime, MetaData, Table, Text, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from perennial_events.catalogue import (
    AnonymousIdAdded,
    AnonymousIdRemoved,
    CustomersMerged,
    MergeUndone,
    VisitorIdentified,
)
from perennial_events.driver import Connection, driver, reading_driver
from perennial_events.envelope import Event, Received
from perennial_events.subscriptions import Projection

ANONYMOUS = "~"
"""No id may contain it, so that an anonymous visitor is never taken for a customer."""

MERGES: tuple[type[Event], ...] = (CustomersMerged, MergeUndone)
STITCHES: tuple[type[Event], ...] = (VisitorIdentified, AnonymousIdAdded, AnonymousIdRemoved)

CREATE_ALIASES_V1 = (
    # Both ids are NULL for a visitor who turned out to be nobody we know. The survivor alone is NULL
    # while merges that were told in another order form a ring: then everyone stands for themselves.
    """
    CREATE TABLE aliases (
        identity    text COLLATE "C" PRIMARY KEY,
        into_id     text COLLATE "C",
        customer_id text COLLATE "C",
        at          timestamptz NOT NULL
    ) WITH (fillfactor = 90)
    """,
    "CREATE INDEX aliases_into ON aliases (into_id)",
    "CREATE INDEX aliases_of_customer ON aliases (customer_id)",
)

ALIASES = Table(
    "aliases",
    MetaData(),
    Column("identity", Text, primary_key=True),
    Column("into_id", Text),
    Column("customer_id", Text),
    Column("at", DateTime(timezone=True), nullable=False),
)

# Whoever stitches holds a weaker lock on the table, by inserting: so no row slips in between the look
# at what hangs together and the writing of its ends.
_LOCK = "LOCK TABLE aliases IN SHARE ROW EXCLUSIVE MODE"

_AROUND = """
    WITH RECURSIVE around AS (
        SELECT unnest($1::text[]) COLLATE "C" AS id
        UNION
        SELECT next.id FROM around CROSS JOIN LATERAL (
            SELECT into_id FROM aliases WHERE identity = around.id AND into_id IS NOT NULL
            UNION ALL
            SELECT identity FROM aliases WHERE into_id = around.id
        ) AS next (id)
    )
    SELECT identity, into_id, customer_id, at FROM aliases JOIN around ON identity = around.id
"""

_FORGET = "DELETE FROM aliases WHERE identity = ANY ($1::text[])"

_STORE = """
    INSERT INTO aliases (identity, into_id, customer_id, at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    ON CONFLICT (identity) DO UPDATE
    SET into_id = excluded.into_id, customer_id = excluded.customer_id, at = excluded.at
"""

# A device may pass from one customer to another, whose events come through different partitions: the
# later fact holds, by its own time and not by when it got here.
_STITCH = """
    INSERT INTO aliases AS a (identity, into_id, customer_id, at)
    SELECT told.identity, told.into_id,
           CASE WHEN merged.identity IS NULL THEN told.into_id ELSE merged.customer_id END, told.at
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS told (identity, into_id, at)
    LEFT JOIN aliases AS merged ON merged.identity = told.into_id COLLATE "C"
    ON CONFLICT (identity) DO UPDATE
    SET into_id = excluded.into_id, customer_id = excluded.customer_id, at = excluded.at
    WHERE (a.at, coalesce(a.into_id, '')) <= (excluded.at, coalesce(excluded.into_id, ''))
"""

_IDENTITIES = """
    WITH survivor AS (
        SELECT coalesce((SELECT customer_id FROM aliases WHERE identity = $1), $1) COLLATE "C" AS id
    )
    SELECT id FROM survivor
    UNION ALL SELECT identity FROM aliases JOIN survivor ON aliases.customer_id = survivor.id
"""

_SURVIVORS = """
    SELECT identity, customer_id FROM aliases
    WHERE identity = ANY ($1::text[]) AND customer_id IS NOT NULL
"""


def anonymous(anonymous_id: str) -> str:
    """The identity of an anonymous visitor."""
    return ANONYMOUS + anonymous_id


def ends_of(steps: Mapping[str, str | None]) -> dict[str, str | None]:
    """Where each identity ends, going step by step; None where that is nowhere, or round in a ring."""
    ends: dict[str, str | None] = {}
    for identity in steps:
        at: str | None = identity
        passed: set[str] = set()
        while at is not None and at in steps and at not in ends and at not in passed:
            passed.add(at)
            at = steps[at]
        end = None if at is None or at in passed else ends.get(at, at)
        ends.update(dict.fromkeys(passed, end))
    return ends


async def follow_identities(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    """Bring `aliases` up to date with the stitches and merges of a batch."""
    merges = [received for received in batch if isinstance(received.event, MERGES)]
    stitches = [received for received in batch if isinstance(received.event, STITCHES)]
    connection = await driver(session)
    if merges:
        # Before the first insert: a lock that is raised later can meet another's in a ring.
        await connection.execute(_LOCK)
    if stitches:
        await _stitch(connection, stitches)
    if merges:
        await _merge(connection, merges)


async def _stitch(connection: Connection, stitches: Sequence[Received[Any]]) -> None:
    latest: dict[str, tuple[datetime, str]] = {}
    for event, envelope in stitches:
        whose = "" if isinstance(event, AnonymousIdRemoved) else event.customer_id
        told, identity = (envelope.time, whose), anonymous(event.anonymous_id)
        latest[identity] = max(told, latest.get(identity, told))
    identities = sorted(latest)
    await connection.execute(
        _STITCH,
        identities,
        [latest[identity][1] or None for identity in identities],
        [latest[identity][0] for identity in identities],
    )


async def _merge(connection: Connection, merges: Sequence[Received[Any]]) -> None:
    named = {id for event, _ in merges for id in (event.customer_id, event.into_id)}
    before = {
        row["identity"]: (row["into_id"], row["customer_id"], row["at"])
        for row in await connection.fetch(_AROUND, sorted(named))
    }
    steps = {identity: (into, at) for identity, (into, _, at) in before.items()}
    for event, envelope in merges:
        if isinstance(event, CustomersMerged):
            steps[event.customer_id] = (event.into_id, envelope.time)
        else:
            steps.pop(event.customer_id, None)
    ends = ends_of({identity: into for identity, (into, _) in steps.items()})
    await connection.execute(_FORGET, sorted(before.keys() - steps.keys()))
    after = {identity: (into, ends[identity], at) for identity, (into, at) in steps.items()}
    changed = sorted(identity for identity, row in after.items() if row != before.get(identity))
    await connection.execute(
        _STORE,
        changed,
        [after[identity][0] for identity in changed],
        [after[identity][1] for identity in changed],
        [after[identity][2] for identity in changed],
    )


IDENTITIES = Projection(
    name="identities", tables=("aliases",), subscribes=MERGES, apply=follow_identities
)
"""For the subscriptions of a service whose facts name customers."""


async def identities_of(session: AsyncSession, customer_id: str) -> list[str]:
    """All identities of the customer who answers to this id: first the survivor, then whoever was
    merged into them, and their anonymous visits where the service follows those."""
    connection = await reading_driver(session)
    return [row[0] for row in await connection.fetch(_IDENTITIES, customer_id)]


async def survivors_of(session: AsyncSession, customer_ids: Collection[str]) -> dict[str, str]:
    """Who answers to each of these ids today: themselves, where they were not merged."""
    connection = await reading_driver(session)
    merged = dict(await connection.fetch(_SURVIVORS, list(customer_ids)))
    return {id: merged.get(id, id) for id in customer_ids}


def survivor(customer_id: ColumnElement[str] | Mapped[str]) -> ColumnElement[str]:
    """In a statement: who answers to the id in this column today."""
    merged = select(ALIASES.c.customer_id).where(ALIASES.c.identity == customer_id)
    # The column's table stands outside, in whatever statement this becomes a part of.
    return func.coalesce(merged.correlate_except(ALIASES).scalar_subquery(), customer_id)
