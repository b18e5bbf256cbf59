"""Whether a rule makes sense, what it depends on, and which part of it is at fault where it does not.

Pure: rules go in; paths into them, names and refusals come out.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from perennial_http import Time
from profile_service.segments.clauses import (
    AllClause,
    AnyClause,
    AttributeClause,
    Clause,
    EventClause,
    FieldClause,
    Following,
    NotClause,
    Scalar,
    SegmentClause,
    read_period,
)
from profile_service.segments.fields import EVERY_CLICK, FIELDS, FLAG, SOURCES, Field, FieldType

MOST_LEVELS = 8
MOST_CLAUSES = 100
MOST_WITH_SEGMENTS = 300
"""Clauses of a rule, with those of all segments that it names, each as often as it is named."""

DESCRIBED = frozenset({"customer_registered", "customer_updated"})
STITCHED = frozenset(
    {
        *("customer_registered", "customer_erased", "customers_merged", "merge_undone"),
        *("visitor_identified", "anonymous_id_added", "anonymous_id_removed"),
    }
)
"""After these a customer may have another history altogether: every segment is looked at."""

_NOT_COUNTED = frozenset({EVERY_CLICK, "segment_entered", "segment_left"})
"""A rule over what segments bring about would chase its own tail."""

_TIME: TypeAdapter[datetime] = TypeAdapter(Time)

Path = tuple[str | int, ...]

_ANY_TYPE = ("=", "!=", "in", "not_in", "exists")
OPERATORS: Mapping[FieldType, tuple[str, ...]] = {
    FieldType.NUMBER: ("=", "!=", "<", "<=", ">", ">=", "in", "not_in", "exists"),
    FieldType.TEXT: ("=", "!=", "in", "not_in", "contains", "starts_with", "exists"),
    FieldType.TIME: ("<", "<=", ">", ">=", "within", "exists"),
    FieldType.TRUTH: ("=", "!="),
    FieldType.LIST: ("contains", "exists"),
}


class RuleRefused(Exception):
    """The rule cannot be computed. `path` leads to the part that is at fault."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(detail)
        self.path = path
        self.detail = detail


class Part(NamedTuple):
    """A clause of a rule, and where it stands."""

    path: Path
    clause: Clause


def parts_of(clause: Clause, path: Path = ()) -> Iterator[Part]:
    """The rule and every clause in it, each before those that it holds."""
    yield Part(path, clause)
    for place, inner in inner_clauses(clause):
        yield from parts_of(inner, (*path, *place))


def inner_clauses(clause: Clause) -> list[tuple[Path, Clause]]:
    """The clauses right below this one, with the way to each."""
    match clause:
        case AllClause():
            return [(("all", index), each) for index, each in enumerate(clause.all)]
        case AnyClause():
            return [(("any", index), each) for index, each in enumerate(clause.any)]
        case NotClause():
            return [(("not",), clause.not_)]
    return []


def check_rule(rule: Clause, segment_id: str, others: Mapping[str, Clause]) -> None:
    """Raise `RuleRefused` unless the rule can be computed, as that of `segment_id` beside `others`."""
    for number, (path, clause) in enumerate(parts_of(rule), 1):
        if number > MOST_CLAUSES:
            raise RuleRefused(path, f"is one clause too many: a rule may have {MOST_CLAUSES}")
        if sum(isinstance(step, str) for step in path) >= MOST_LEVELS:
            raise RuleRefused(path, f"is nested too deep: a rule may have {MOST_LEVELS} levels")
        match clause:
            case FieldClause():
                _check_field(clause, path)
            case AttributeClause():
                _check_comparison(attribute_type(clause, path), clause.op, clause.value, path)
            case EventClause():
                _check_event(clause, path)
            case SegmentClause():
                _check_segment(clause.segment, path, segment_id, others)
    known = {**others, segment_id: rule}
    for each in (segment_id, *dependents_of(segment_id, known)):
        if _size(known[each], known) > MOST_WITH_SEGMENTS:
            raise RuleRefused(
                (),
                f"makes {each} too large: a rule may have {MOST_WITH_SEGMENTS} clauses with those"
                " of the segments that it names",
            )


def field_of(clause: FieldClause, path: Path = ()) -> Field:
    """The field that a clause asks for. Raises `RuleRefused` for a flag that there is not."""
    if clause.field != "flags":
        return FIELDS[clause.field]
    found = FIELDS.get(f"{FLAG}{clause.value}")
    if found is None:
        flags = ", ".join(name.removeprefix(FLAG) for name in FIELDS if name.startswith(FLAG))
        raise RuleRefused((*path, "value"), f"is no flag; there are {flags}")
    return found


def _check_field(clause: FieldClause, path: Path) -> None:
    field = field_of(clause, path)
    if clause.field == "flags":
        if clause.op != "contains":
            raise RuleRefused((*path, "op"), "must be contains, of a flag's name")
        return
    _check_comparison(field.type, clause.op, clause.value, path)
    if field.choices and clause.op in ("=", "!=", "in", "not_in"):
        for value in clause.value if isinstance(clause.value, list) else [clause.value]:
            if value not in field.choices:
                raise RuleRefused(
                    (*path, "value"), f"is none of {', '.join(field.choices)}: {value}"
                )


def attribute_type(clause: AttributeClause, path: Path = ()) -> FieldType:
    """Of which type the attribute has to be to be compared at all: that of the value."""
    if clause.op == "exists":
        return FieldType.TEXT
    first = clause.value[0] if isinstance(clause.value, list) else clause.value
    if clause.op == "within":
        raise RuleRefused((*path, "op"), "asks for a time, and attributes hold none")
    if isinstance(first, bool):
        return FieldType.TRUTH
    return FieldType.TEXT if isinstance(first, str) else FieldType.NUMBER


def _check_comparison(kind: FieldType, op: str, value: Scalar | list[Scalar], path: Path) -> None:
    if op not in OPERATORS[kind]:
        raise RuleRefused(
            (*path, "op"), f"does not go with a {kind.value}; {', '.join(OPERATORS[kind])} do"
        )
    if isinstance(value, list) != (op in ("in", "not_in")):
        wanted = "a list" if op in ("in", "not_in") else "a single value"
        raise RuleRefused((*path, "value"), f"must be {wanted} for {op}")
    for each in value if isinstance(value, list) else [value]:
        if problem := _misfit(kind, op, each):
            raise RuleRefused((*path, "value"), problem)


def _misfit(kind: FieldType, op: str, value: Scalar) -> str | None:
    """What is wrong with a value of a comparison, if anything is."""
    if op == "exists":
        return None if isinstance(value, bool) else "must be true or false for exists"
    if op == "within":
        return _problem_of_period(value)
    match kind:
        case FieldType.NUMBER:
            fits = isinstance(value, int | float) and not isinstance(value, bool)
            return None if fits else "must be a number"
        case FieldType.TRUTH:
            return None if isinstance(value, bool) else "must be true or false"
        case FieldType.TIME:
            return None if read_time(value) else "must be an RFC 3339 time, or use within"
    return None if isinstance(value, str) else "must be a text"


def _problem_of_period(value: Scalar) -> str | None:
    try:
        read_period(value)
    except ValueError as error:
        return str(error)
    return None


def read_time(value: Scalar) -> datetime | None:
    """The instant that a text names, in UTC; None where it names none."""
    if not isinstance(value, str):
        return None
    try:
        return _TIME.validate_python(value)
    except ValidationError:
        return None


def _check_event(clause: EventClause, path: Path) -> None:
    _check_counted(clause.event, (*path, "event"))
    if clause.count is not None and clause.sum is not None:
        raise RuleRefused(path, "takes a count or a sum; put two clauses into all for both")
    if clause.followed_by is not None and clause.not_followed_by is not None:
        raise RuleRefused(path, "takes followed_by or not_followed_by; put two clauses into all")
    for key in ("followed_by", "not_followed_by"):
        following: Following | None = getattr(clause, key)
        if following is None:
            continue
        _check_counted(following.event, (*path, key, "event"))
        if clause.within and read_period(following.within) >= read_period(clause.within):
            raise RuleRefused(
                (*path, key, "within"),
                f"must be shorter than {clause.within}, in which the first event counts",
            )


def _check_counted(name: str, path: Path) -> None:
    if name in _NOT_COUNTED:
        raise RuleRefused(path, f"{name} cannot be counted by a rule; name a click or another fact")


def _check_segment(segment: str, path: Path, segment_id: str, others: Mapping[str, Clause]) -> None:
    ring = _way(segment, segment_id, others)
    if ring is not None:
        names = " → ".join((segment_id, *ring))
        raise RuleRefused((*path, "segment"), f"would make a ring: {names}")
    if segment not in others:
        raise RuleRefused((*path, "segment"), f"there is no segment {segment}")


def _way(here: str, there: str, segments: Mapping[str, Clause]) -> list[str] | None:
    """The segments from `here` to `there`, each named by the one before it; None without a way."""
    named_by: dict[str, str | None] = {here: None}
    waiting = [here]
    while waiting:
        each = waiting.pop()
        if each == there:
            way: list[str] = []
            step: str | None = each
            while step is not None:
                way.append(step)
                step = named_by[step]
            return way[::-1]
        for named in segments_of(segments[each]) if each in segments else ():
            if named not in named_by:
                named_by[named] = each
                waiting.append(named)
    return None


def segments_of(rule: Clause) -> set[str]:
    """The segments that a rule names itself."""
    return {each.segment for _, each in parts_of(rule) if isinstance(each, SegmentClause)}


def dependents_of(segment_id: str, rules: Mapping[str, Clause]) -> set[str]:
    """The segments whose members depend on this one's rule, by whatever way."""
    return {
        each
        for each, rule in rules.items()
        if each != segment_id and any(_way(named, segment_id, rules) for named in segments_of(rule))
    }


def _size(rule: Clause, segments: Mapping[str, Clause]) -> int:
    return sum(
        1 + (_size(segments[each.segment], segments) if isinstance(each, SegmentClause) else 0)
        for _, each in parts_of(rule)
    )


def triggers_of(rule: Clause, segments: Mapping[str, Clause]) -> frozenset[str]:
    """The facts and clicks after which the rule may give another answer for their customer."""
    found: set[str] = set()
    for _, clause in parts_of(rule):
        match clause:
            case FieldClause():
                found |= SOURCES[field_of(clause).source].triggers
            case AttributeClause():
                found |= DESCRIBED
            case EventClause():
                found.add(clause.event)
                if clause.following is not None:
                    found.add(clause.following.event)
            case SegmentClause():
                found |= triggers_of(segments[clause.segment], segments)
    return frozenset(found)
