"""Rows as arrays and arrays as rows, by PostgreSQL's binary COPY: a million of them in a second.

Every column is set and a number, so that all rows are of one width.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np

from perennial_events import Connection
from profile_service.value_model.fitting.bg_nbd import Days

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


async def read_arrays(
    connection: Connection, query: str, *arguments: Any, widths: Sequence[int]
) -> list[Days]:
    """The columns of a query's answer: integers and dates, of these widths in bytes."""
    parts: list[bytes] = []

    async def keep(part: bytes) -> None:
        parts.append(part)

    await connection.copy_from_query(query, *arguments, output=keep, format="binary")
    row = _row_of([np.dtype(f">i{width}") for width in widths])
    rows = np.frombuffer(b"".join(parts)[len(_HEADER) : -len(_TRAILER)], dtype=row)
    return [rows[f"column{place}"].astype(np.int64) for place in range(len(widths))]


async def write_arrays(
    connection: Connection, table: str, columns: Mapping[str, np.ndarray]
) -> None:
    """Add a row for each place of the arrays, whose types must be those of the table's columns."""
    values = list(columns.values())
    row = _row_of([each.dtype.newbyteorder(">") for each in values])
    rows = np.empty(len(values[0]), dtype=row)
    rows["fields"] = len(values)
    for place, column in enumerate(values):
        rows[f"width{place}"] = column.dtype.itemsize
        rows[f"column{place}"] = column
    await connection.copy_to_table(
        table,
        source=BytesIO(_HEADER + rows.tobytes() + _TRAILER),
        columns=list(columns),
        format="binary",
    )


def _row_of(columns: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """A row as it travels: the number of its columns, and each with its width before it."""
    fields: list[tuple[str, Any]] = [("fields", ">i2")]
    for place, column in enumerate(columns):
        fields += [(f"width{place}", ">i4"), (f"column{place}", column)]
    return np.dtype(fields)
