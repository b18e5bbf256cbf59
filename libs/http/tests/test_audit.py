"""The audit trail: what was read is on record in the end, and what cannot be is said."""

import random
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from perennial_events import Database
from perennial_http.audit import READS_KEPT_FOR, Action, AuditTrail, Entry, forget_reads

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def entry(customer: str, action: Action = "read", at: datetime = NOW) -> Entry:
    id = UUID(int=int(at.timestamp() * 1000) << 80 | random.getrandbits(79))  # as a UUIDv7 begins
    return Entry(id, at, "key", action, "GET /v1/x", [customer], [], "r")


async def on_record(database: Database, customer: str) -> list[str]:
    async with database.reading() as session:
        rows = await session.scalars(
            text("SELECT action FROM audit WHERE customer_ids @> ARRAY[:id] ORDER BY id"),
            {"id": customer},
        )
        return list(rows)


async def test_what_was_noted_is_written_once(database: Database) -> None:
    trail = AuditTrail(database)
    trail.noted(entry("once"))
    await trail.write()
    await trail.write()
    assert await on_record(database, "once") == ["read"]


async def test_reads_wait_while_the_database_is_away(database: Database) -> None:
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere", source="/perennial/test")
    trail = AuditTrail(away)
    trail.noted(entry("patient"))
    await trail.write()
    await away.close()
    trail._database = database
    await trail.write()
    assert await on_record(database, "patient") == ["read"]


@pytest.mark.parametrize(("days", "left"), [(1, ["changed"]), (-1, ["read", "changed"])])
async def test_old_reads_are_forgotten_and_changes_never(
    database: Database, days: int, left: list[str]
) -> None:
    customer, at = f"old-{days}", NOW - READS_KEPT_FOR - timedelta(days=days)
    trail = AuditTrail(database)
    trail.noted(entry(customer, "read", at))
    trail.noted(entry(customer, "changed", at + timedelta(seconds=2)))
    await trail.write()
    async with database.transaction() as session:
        await forget_reads(session, NOW)
    assert await on_record(database, customer) == left
