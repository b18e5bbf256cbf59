"""A consumer's database that writes down each effect as it takes place, twice if it takes place twice.

The events are numbered for each customer (`order_id` is `<customer>.<number>`), so that the ledger
shows what is lost, double, or out of order.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import (
    Database,
    Envelope,
    PermanentFailure,
    Received,
    Subscriptions,
    seal,
    utc_now,
)
from perennial_events.catalogue import OrderCompleted
from perennial_events.schema import CREATE_EVENT_TABLES_V1

WRITES_LEDGER = "writes the ledger"

TABLES = (
    *CREATE_EVENT_TABLES_V1,
    "CREATE TABLE ledger (place bigint GENERATED ALWAYS AS IDENTITY, key text, number integer)",
    # The customers whose events cannot be applied, until somebody mends that.
    "CREATE TABLE broken (key text PRIMARY KEY)",
    # Other tests' customers may stand in the same Kafka topic.
    "CREATE TABLE ours (key text PRIMARY KEY)",
)


def numbered(key: str, number: int) -> OrderCompleted:
    return OrderCompleted(order_id=f"{key}.{number}", customer_id=key)


def sealed(key: str, number: int) -> Envelope:
    return seal(numbered(key, number), source="/perennial/test", time=utc_now())


def malformed(key: str, number: int) -> Envelope:
    """An event of the right type whose data nobody can read."""
    return sealed(key, number)._replace(data='{"customer_id": 7}')


def subscriptions() -> Subscriptions:
    return Subscriptions(handlers={OrderCompleted: write_down})


async def write_down(session: AsyncSession, batch: Sequence[Received[Any]]) -> None:
    """Add a row for each event, in the order in which they come. Raises `PermanentFailure`."""
    keys = sorted({envelope.key for _, envelope in batch})
    broken = await session.scalars(
        text("SELECT key FROM broken WHERE key = ANY (CAST(:keys AS text[]))"), {"keys": keys}
    )
    if stopped := broken.all():
        raise PermanentFailure(f"the ledger of {stopped[0]} is broken")
    told = [received.event.order_id.rsplit(".", 1) for received in batch]
    await session.execute(
        text(
            "INSERT INTO ledger (key, number)"
            " SELECT told.key, number FROM unnest(CAST(:keys AS text[]), CAST(:numbers AS integer[]))"
            " WITH ORDINALITY AS told (key, number, place) JOIN ours ON ours.key = told.key"
            " ORDER BY place"
        ),
        {"keys": [key for key, _ in told], "numbers": [int(number) for _, number in told]},
    )
    session.info[WRITES_LEDGER] = (await session.connection()).info[WRITES_LEDGER] = True


async def expect(database: Database, keys: Sequence[str]) -> None:
    """Say whose events are this ledger's."""
    async with database.transaction() as session:
        await session.execute(
            text("INSERT INTO ours SELECT unnest(CAST(:keys AS text[]))"), {"keys": list(keys)}
        )


async def ledger(database: Database) -> dict[str, list[int]]:
    """The numbers of each customer, in the order in which they took effect."""
    async with database.reading() as session:
        rows = await session.execute(text("SELECT key, number FROM ledger ORDER BY place"))
        found: dict[str, list[int]] = {}
        for key, number in rows:
            found.setdefault(key, []).append(number)
    return found


async def outbox_size(database: Database) -> int:
    async with database.reading() as session:
        return int(await session.scalar(text("SELECT count(*) FROM outbox")) or 0)
