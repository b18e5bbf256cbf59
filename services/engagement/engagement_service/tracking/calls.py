"""The calls of Segment's HTTP API, as their SDKs send them.

This is the one door of the platform where unknown fields are not refused: SDKs send much that is of
no use here (`context`, `integrations`, `channel`, `version`, …), and each adds its own. What is not
named below is not read, and traits, which are personal data, are not even looked at.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel
from pydantic_core import from_json, to_json

from engagement_service.errors import CallTooLarge, Refused
from perennial_events.values import ID_PATTERN
from perennial_http import FieldError, Invalid
from perennial_http.bodies import JsonReader, parse_json
from perennial_http.faults import invalid_body

MAX_CALL_BYTES = 32 * 1024
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_CALLS = 2_500

# The pattern is checked later, with an answer that says why (see service.py); "" is Segment's null.
LooseId = Annotated[str, WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]

_SOMEBODY: dict[str, Any] = {"anyOf": [{"required": ["userId"]}, {"required": ["anonymousId"]}]}


class Wire(BaseModel):
    """What Segment's SDKs send: camelCase, and more than we read."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="ignore", strict=True, json_schema_extra=_SOMEBODY
    )


class CallBase(Wire):
    """The fields that every call shares."""

    kind: ClassVar[str]

    user_id: LooseId | None = None
    anonymous_id: LooseId | None = None
    message_id: Annotated[str | None, Field(max_length=100)] = None
    timestamp: AwareDatetime | None = None
    sent_at: AwareDatetime | None = None
    context: dict[str, Any] | None = None


class Track(CallBase):
    type: Literal["track"] = "track"
    event: Annotated[str, Field(min_length=1, max_length=200)]
    properties: dict[str, Any] | None = None


class Page(CallBase):
    type: Literal["page"] = "page"
    name: Annotated[str | None, Field(max_length=1000)] = None
    properties: dict[str, Any] | None = None


class Screen(CallBase):
    type: Literal["screen"] = "screen"
    name: Annotated[str | None, Field(max_length=1000)] = None
    properties: dict[str, Any] | None = None


class Identify(CallBase):
    type: Literal["identify"] = "identify"


class Group(CallBase):
    type: Literal["group"] = "group"
    group_id: LooseId


class Alias(CallBase):
    """`previousId` turned out to be `userId`."""

    type: Literal["alias"] = "alias"
    user_id: LooseId
    previous_id: LooseId


Call = Track | Page | Screen | Identify | Group | Alias
CALLS: tuple[type[Call], ...] = (Track, Page, Screen, Identify, Group, Alias)
AnyCall = Annotated[Call, Field(discriminator="type")]
