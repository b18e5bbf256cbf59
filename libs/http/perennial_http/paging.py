"""Lists by keyset: the cursor says after which row to go on, so that no page repeats or skips one."""

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json, to_json
from sqlalchemy import ColumnElement, Row, Select, literal, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from perennial_http.bodies import Answer, QueryModel
from perennial_http.problems import Invalid

T = TypeVar("T")

Column = ColumnElement[Any] | InstrumentedAttribute[Any]

MAX_LIMIT = 200
_INT64 = Annotated[int, Field(ge=-(2**63), le=2**63 - 1, strict=True)]
_LIST = TypeAdapter(list[Any], config=ConfigDict(strict=True))
_KEY_TYPES: dict[type, TypeAdapter[Any]] = {
    int: TypeAdapter(_INT64),
    str: TypeAdapter(Annotated[str, Field(strict=True, pattern=r"^[^\x00]*$", max_length=1_000)]),
    float: TypeAdapter(float, config=ConfigDict(allow_inf_nan=False)),
    datetime: TypeAdapter(AwareDatetime),
    UUID: TypeAdapter(UUID),
}


class PageQuery(QueryModel):
    """The query of a list; its filters are fields of a subclass."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = 50
    cursor: Annotated[
        str | None, Field(max_length=2_000, description="`next_cursor` of the page before")
    ] = None


class Page(Answer, Generic[T]):
    """A part of a list. `next_cursor` is null on the last page."""

    data: list[T]
    next_cursor: str | None = None


async def fetch_page(
    session: AsyncSession,
    statement: Select[Any],
    keyset: Sequence[Column],
    query: PageQuery,
    *,
    descending: bool = True,
) -> tuple[list[Any], str | None]:
    """One page of `statement`: its rows, and the cursor of the next page.

    `keyset` are columns that are never null and together unique, most significant first; an index
    on them serves the query. Rows of a statement that selects one thing are that thing itself.
    Raises `Invalid` for a cursor that no page gave.
    """
    columns = list(keyset)
    if query.cursor is not None:
        place = [
            literal(value, column.type)
            for column, value in zip(columns, read_cursor(query.cursor, columns), strict=True)
        ]
        here, there = tuple_(*columns), tuple_(*place)
        statement = statement.where(here < there if descending else here > there)
    ordered = statement.order_by(*(each.desc() if descending else each.asc() for each in columns))
    rows = (await session.execute(ordered.add_columns(*columns).limit(query.limit + 1))).all()
    page = rows[: query.limit]
    width = len(columns)
    cursor = write_cursor(page[-1][-width:]) if len(rows) > query.limit else None
    return [_without_keyset(row, width) for row in page], cursor


def _without_keyset(row: Row[Any], width: int) -> Any:
    selected = row[:-width]
    return selected[0] if len(selected) == 1 else selected


def write_cursor(place: Sequence[Any]) -> str:
    """The cursor of the page that follows the row at this place."""
    return base64.urlsafe_b64encode(to_json(list(place))).rstrip(b"=").decode("ascii")


def read_cursor(cursor: str, columns: Sequence[Column]) -> list[Any]:
    """The place behind which a page goes on. Raises `Invalid` for a cursor that no page gave."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = from_json(
            base64.b64decode(padded, altchars=b"-_", validate=True), allow_inf_nan=False
        )
        return [
            _KEY_TYPES[column.type.python_type].validate_python(value)
            for column, value in zip(columns, _LIST.validate_python(place), strict=True)
        ]
    except (ValueError, ValidationError, binascii.Error):
        raise Invalid.parameter("cursor", "is none that a page gave as next_cursor") from None
