"""What a service keeps of a person: one line a table, from which it is exported and erased."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.driver import driver

_FETCHED_AT_ONCE = 500

_REMEMBER = """
    INSERT INTO erased_customers (customer_id, erasure_id, erased_at)
    SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT DO NOTHING
"""
# Answers that are kept for a retry would tell it once more.
_FORGET_ANSWERS = "DELETE FROM idempotency WHERE customers && $1::text[]"


class Erased(NamedTuple):
    """That somebody was erased: all that stays of them here."""

    customer_id: str
    erasure_id: str
    erased_at: datetime


@dataclass(frozen=True)
class Holding:
    """A table with rows about customers, and which of its columns are personal data.

    `of` is the condition by which a row is about one of the customers `$1::text[]`. Erasing either
    `blanks` columns, each with the SQL that takes its place, and keeps the row for the books; or, with
    `deleted`, removes the row; or, with neither, leaves it: ids, codes, amounts and times.
    """

    table: str
    of: str = "customer_id = ANY ($1::text[])"
    blanks: Mapping[str, str] = field(default_factory=dict)
    deleted: bool = False

    @classmethod
    def through(cls, table: str, parent: str, key: str, blanks: Mapping[str, str]) -> "Holding":
        """A table whose rows name a customer by the `key` of a row of `parent`."""
        of = f"{key} IN (SELECT {key} FROM {parent} WHERE customer_id = ANY ($1::text[]))"  # noqa: S608 - names of our own tables
        return cls(table, of, blanks)

    @property
    def exporting(self) -> str:
        return f"SELECT to_jsonb(held)::text FROM {self.table} AS held WHERE {self.of}"  # noqa: S608 - as above

    @property
    def erasing(self) -> str | None:
        """The statement that erases; it touches no row twice."""
        if self.deleted:
            return f"DELETE FROM {self.table} WHERE {self.of}"  # noqa: S608 - as above
        if not self.blanks:
            return None
        columns = ", ".join(f"{name} = {blank}" for name, blank in self.blanks.items())
        telling = " OR ".join(
            f"{name} IS DISTINCT FROM {blank}" for name, blank in self.blanks.items()
        )
        return f"UPDATE {self.table} SET {columns} WHERE {self.of} AND ({telling})"  # noqa: S608 - as above


async def erase(
    session: AsyncSession, holdings: Iterable[Holding], customer_ids: Collection[str]
) -> None:
    """Erase what is held of these customers: one statement a table, whatever their number."""
    ids = sorted(customer_ids)
    connection = await driver(session)
    for holding in holdings:
        if holding.erasing is not None:
            await connection.execute(holding.erasing, ids)
    await connection.execute(_FORGET_ANSWERS, ids)


async def remember_erased(session: AsyncSession, erased: Iterable[Erased]) -> None:
    """Keep that these customers were erased. From here on, guarded tables take no row about them."""
    ids, erasures, times = zip(*sorted(set(erased)), strict=True)
    connection = await driver(session)
    await connection.execute(_REMEMBER, ids, erasures, times)


async def held(
    session: AsyncSession, holdings: Iterable[Holding], customer_id: str
) -> AsyncIterator[tuple[str, str]]:
    """All rows about this customer, each with its table's name and as JSON, some at a time."""
    connection = await driver(session)
    for holding in holdings:
        rows = connection.cursor(holding.exporting, [customer_id], prefetch=_FETCHED_AT_ONCE)
        async for (row,) in rows:
            yield holding.table, row
