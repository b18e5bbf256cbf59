"""One comparison as SQL: it holds or it does not, and is never null.

What is absent compares with nothing: only `!=`, `not_in` and `exists: false` hold for it.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from profile_service.segments.clauses import Scalar, read_period
from profile_service.segments.fields import FieldType
from profile_service.segments.rules import read_time

NOW = "$1::timestamptz"

_SQL_TYPES = {
    FieldType.NUMBER: "numeric",
    FieldType.TEXT: "text",
    FieldType.TIME: "timestamptz",
    FieldType.TRUTH: "boolean",
    FieldType.LIST: "text",
}


class Parameters:
    """A statement's values, in the order of their places. The first is the time of evaluation."""

    def __init__(self, *first: Any) -> None:
        self.values: list[Any] = list(first)

    def add(self, value: Any, sql_type: str) -> str:
        """The place of a value, to be written into the statement."""
        self.values.append(value)
        return f"${len(self.values)}::{sql_type}"

    def scalar(self, value: Scalar, kind: FieldType) -> str:
        return self.add(_native(value, kind), _SQL_TYPES[kind])

    def scalars(self, values: Sequence[Scalar], kind: FieldType) -> str:
        return self.add([_native(each, kind) for each in values], f"{_SQL_TYPES[kind]}[]")


def _native(value: Scalar, kind: FieldType) -> Decimal | str | bool | datetime | None:
    match kind:
        case FieldType.NUMBER:
            return Decimal(str(value))
        case FieldType.TIME:
            return read_time(value)
    return value if isinstance(value, bool) else str(value)


_NEGATED = {"!=": "=", "not_in": "in"}

_TESTS = {
    "in": "{seen} = ANY ({given})",
    "within": "{seen} > {now} - {given}",
    "contains": "strpos({seen}, {given}) > 0",
    "starts_with": "starts_with({seen}, {given})",
    **{op: f"{{seen}} {op} {{given}}" for op in ("=", "<", "<=", ">", ">=")},
}


def compared(
    kind: FieldType, seen: str, op: str, value: Scalar | list[Scalar], parameters: Parameters
) -> str:
    """Whether the expression `seen`, of this kind or null, stands in relation `op` to the value."""
    if op in _NEGATED:
        return f"NOT {compared(kind, seen, _NEGATED[op], value, parameters)}"
    if op == "exists":
        there = f"cardinality({seen}) > 0" if kind is FieldType.LIST else f"{seen} IS NOT NULL"
        return f"({there}) = {parameters.scalar(_single(value), FieldType.TRUTH)}"
    if kind is FieldType.NUMBER:
        seen = f"CAST({seen} AS numeric)"
    if op == "within":
        given = parameters.add(period_of(value), "interval")
    elif op == "in":
        given = parameters.scalars(value if isinstance(value, list) else [value], kind)
    else:
        given = parameters.scalar(_single(value), kind)
    test = "{given} = ANY ({seen})" if kind is FieldType.LIST else _TESTS[op]
    return f"coalesce({test.format(seen=seen, given=given, now=NOW)}, false)"


def attribute_of(
    kind: FieldType, name: str, op: str, value: Scalar | list[Scalar], parameters: Parameters
) -> tuple[str, str]:
    """An attribute's value as JSON, and whether it compares so. Of another type it is as absent."""
    found = f"(customers.attributes -> {parameters.add(name, 'text')})"
    json_type, text = f"jsonb_typeof({found})", f"({found} #>> '{{}}')"
    if op == "exists":
        return found, compared(kind, f"nullif({json_type}, 'null')", op, value, parameters)
    if op == "contains":
        given = parameters.scalar(_single(value), kind)
        holds = f"""coalesce(CASE {json_type} WHEN 'string' THEN strpos({text}, {given}) > 0
            WHEN 'array' THEN {found} ? {given} END, false)"""
        return found, holds
    wanted = {FieldType.NUMBER: "number", FieldType.TRUTH: "boolean"}.get(kind, "string")
    seen = f"CASE {json_type} WHEN '{wanted}' THEN CAST({text} AS {_SQL_TYPES[kind]}) END"
    return found, compared(kind, seen, op, value, parameters)


def period_of(value: Any) -> timedelta:
    return read_period(value)


def _single(value: Scalar | list[Scalar]) -> Scalar:
    return value[0] if isinstance(value, list) else value
