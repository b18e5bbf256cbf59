"""The language of rules: what a clause may say. Whether it makes sense is for `rules.py`."""

import re
from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    TypeAdapter,
    WithJsonSchema,
)

from perennial_events.catalogue.engagement import ClickName, PropertyName
from perennial_events.values import MAX_AMOUNT, CatalogueText, Id
from perennial_http import Body
from profile_service.segments.fields import FIELDS

MOST_IN_A_CLAUSE = 50
"""Of `all` and `any`, and of a list of values."""

_SOME = Field(min_length=1, max_length=MOST_IN_A_CLAUSE)

LONGEST_PERIOD = timedelta(days=3650)

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_PERIOD = re.compile(r"([1-9]\d{0,8})([smhdw])", re.ASCII)


def read_period(value: Any) -> timedelta:
    """`90s`, `30m`, `12h`, `7d` or `2w` as a time span of up to ten years. Raises `ValueError`."""
    match = _PERIOD.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("must be a number and its unit (s, m, h, d, w), such as 7d or 12h")
    seconds = int(match[1]) * _UNIT_SECONDS[match[2]]
    if seconds > LONGEST_PERIOD.total_seconds():
        raise ValueError(f"must not be longer than {LONGEST_PERIOD.days}d")
    return timedelta(seconds=seconds)


def _check_period(value: str) -> str:
    read_period(value)
    return value


Period = Annotated[
    str, StringConstraints(pattern=r"^[1-9][0-9]{0,8}[smhdw]$"), AfterValidator(_check_period)
]
"""A rolling window, exact to the microsecond: `7d` is the last 168 hours, not seven calendar days."""

Number = (
    Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
    | Annotated[float, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT)]
)
Word = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Scalar: TypeAlias = Word | bool | Number
Comparison = Literal["=", "!=", "<", "<=", ">", ">="]
Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "in", "not_in", "contains", "starts_with", "within", "exists"
]
FIELD_NAMES = (*FIELDS, "flags")


def _known_field(name: str) -> str:
    if name not in FIELD_NAMES:
        raise ValueError(f"is no field that a rule can ask for; there are {', '.join(FIELD_NAMES)}")
    return name


class FieldClause(Body):
    """A field of the customer state, held against a value."""

    field: Annotated[
        str, AfterValidator(_known_field), Field(json_schema_extra={"enum": [*FIELD_NAMES]})
    ]
    op: Operator
    value: Scalar | Annotated[list[Scalar], _SOME]


class AttributeClause(Body):
    """One of the customer's attributes, by its name; the value says of which type it has to be."""

    attribute: Word
    op: Operator
    value: Scalar | Annotated[list[Scalar], _SOME]


class Where(Body):
    """Which of the events count: those about one of these products, with these properties."""

    sku: Id | Annotated[list[Id], _SOME] | None = None
    category: CatalogueText | Annotated[list[CatalogueText], _SOME] | None = None
    properties: Annotated[dict[PropertyName, Scalar], Field(max_length=20)] | None = None


class Count(Body):
    op: Comparison
    value: Annotated[int, Field(ge=0, le=1_000_000_000)]


class Sum(Body):
    """Of a click's property, or of a number in another event (`total`, `base_total`, `amount`)."""

    of: PropertyName
    op: Comparison
    value: Number


class Following(Body):
    """Another event of the same customer, after the first and no later than `within` behind it."""

    event: ClickName
    where: Where | None = None
    within: Period


class EventClause(Body):
    """How often something happened, or what it came to; without `count` and `sum`: at least once.

    With `followed_by` only those events count that were followed in time; with `not_followed_by` only
    those that were not, from the moment at which that is certain.
    """

    event: ClickName
    where: Where | None = None
    within: Period | None = None
    count: Count | None = None
    sum: Sum | None = None
    followed_by: Following | None = None
    not_followed_by: Following | None = None

    @property
    def following(self) -> Following | None:
        return self.followed_by or self.not_followed_by


class SegmentClause(Body):
    """Who fits the rule of another segment."""

    segment: Id


# Documented without their recursion, on which programs that read an OpenAPI spend minutes, or for ever.
_A_CLAUSE = {
    "type": "object",
    "title": "Clause",
    "description": "A clause of any kind, as `rule` is.",
}
_CLAUSES = {
    "type": "array",
    "items": _A_CLAUSE,
    "minItems": 1,
    "maxItems": MOST_IN_A_CLAUSE,
}


class AllClause(Body):
    all: Annotated[list["Clause"], _SOME, WithJsonSchema(_CLAUSES)]


class AnyClause(Body):
    any: Annotated[list["Clause"], _SOME, WithJsonSchema(_CLAUSES)]


class NotClause(Body):
    not_: Annotated["Clause", Field(alias="not"), WithJsonSchema(_A_CLAUSE)]


_KINDS = ("field", "attribute", "event", "segment", "all", "any", "not")


def _kind(value: Any) -> str | None:
    """By the key that only clauses of one kind have. As a tag with a space, which is in no pointer."""
    if isinstance(value, dict):
        found = [kind for kind in _KINDS if kind in value]
        return f"{found[0]} clause" if len(found) == 1 else None
    return f"{type(value).__name__.removesuffix('Clause').lower()} clause"


Clause: TypeAlias = Annotated[
    Annotated[FieldClause, Tag("field clause")]
    | Annotated[AttributeClause, Tag("attribute clause")]
    | Annotated[EventClause, Tag("event clause")]
    | Annotated[SegmentClause, Tag("segment clause")]
    | Annotated[AllClause, Tag("all clause")]
    | Annotated[AnyClause, Tag("any clause")]
    | Annotated[NotClause, Tag("not clause")],
    Discriminator(
        _kind,
        custom_error_type="clause",
        custom_error_message=f"must be an object with exactly one of {', '.join(_KINDS)}",
    ),
]
"""A rule, or a part of one."""

for _model in (AllClause, AnyClause, NotClause):
    _model.model_rebuild()

_ADAPTER: TypeAdapter[Clause] = TypeAdapter(Clause)


def read_rule(stored: str) -> Clause:
    """A rule as the database keeps it."""
    return _ADAPTER.validate_json(stored)


def write_rule(rule: Clause) -> dict[str, Any]:
    """The rule as its author wrote it."""
    written: dict[str, Any] = _ADAPTER.dump_python(
        rule, mode="json", by_alias=True, exclude_unset=True
    )
    return written
