"""Tables of integer counts, changed by sums: in whatever order and portions, they end the same."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver

MOST_ROWS = 20_000
"""Of one statement, which must end well within the statement timeout."""


class Tally:
    """A table of counts: its key columns, each with its type, and its columns of integers.

    A row whose counts are all zero does not stand: what was counted and taken off again leaves no
    trace, so that a rebuild, which may meet both at once, ends in the same rows.
    """

    def __init__(self, table: str, keys: Mapping[str, str], *counts: str) -> None:
        columns = (*keys, *counts)
        types = {**keys, **dict.fromkeys(counts, "integer")}
        arrays = ", ".join(f"${n}::{of}[]" for n, of in enumerate(types.values(), start=1))
        sums = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in counts)
        self._add = f"""
            INSERT INTO {table} ({", ".join(columns)}) SELECT * FROM unnest({arrays})
            ON CONFLICT ({", ".join(keys)}) DO UPDATE SET {sums}
        """  # noqa: S608 - names of our own tables and columns
        key_arrays = ", ".join(f"${n}::{of}[]" for n, of in enumerate(keys.values(), start=1))
        self._sweep = f"""
            DELETE FROM {table} WHERE ({", ".join(keys)}) IN (SELECT * FROM unnest({key_arrays}))
                AND {" AND ".join(f"{name} = 0" for name in counts)}
        """  # noqa: S608 - names of our own tables and columns

    async def add(self, session: AsyncSession, sums: Mapping[Any, tuple[int, ...]]) -> None:
        """Add to the row of each key (a tuple). Rows are taken in the order of their keys, so that
        two members that count at once never wait for each other in a ring."""
        connection = await driver(session)
        rows = sorted((*key, *counts) for key, counts in sums.items() if any(counts))
        for start in range(0, len(rows), MOST_ROWS):
            await connection.execute(self._add, *zip(*rows[start : start + MOST_ROWS], strict=True))
        lowered = sorted(key for key, counts in sums.items() if min(counts) < 0)
        if lowered:
            await connection.execute(self._sweep, *zip(*lowered, strict=True))
