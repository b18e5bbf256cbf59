"""How Python's types become columns, in the mapped classes of every service."""

from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import BigInteger, Date, DateTime, Text
from sqlalchemy.dialects.postgresql import JSONB

COLUMN_TYPES: Final[dict[Any, Any]] = {
    str: Text,
    int: BigInteger,
    date: Date,
    datetime: DateTime(timezone=True),
    list[dict[str, Any]]: JSONB,
    dict[str, Any]: JSONB,
}
"""For `type_annotation_map` of a service's own `Base`."""
