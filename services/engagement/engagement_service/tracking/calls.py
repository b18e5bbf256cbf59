"""The calls of Segment's HTTP API, as their SDKs send them.

This is the one door of the platform where unknown fields are not refused: SDKs send much that is of
no use here (`context`, `integrations`, `channel`, `version`, …), and each adds its own. What is not
named below is not read, and traits, which are personal data, are not even looked at.
"""

from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, WithJsonSchema

from perennial_events.values import ID_PATTERN

# The pattern is checked later, with an answer that says why (see service.py).
LooseId = Annotated[str, WithJsonSchema({"type": "string", "pattern": ID_PATTERN})]

_SOMEBODY: dict[str, Any] = {"anyOf": [{"required": ["userId"]}, {"required": ["anonymousId"]}]}


class Wire(BaseModel):
    """What Segment's SDKs send: camelCase, and more than we read."""

    model_config = ConfigDict(extra="ignore", strict=True, json_schema_extra=_SOMEBODY)


class CallBase(Wire):
    """The fields that every call shares."""

    user_id: Annotated[LooseId | None, Field(alias="userId")] = None
    anonymous_id: Annotated[LooseId | None, Field(alias="anonymousId")] = None
    message_id: Annotated[str | None, Field(alias="messageId", max_length=100)] = None
    timestamp: AwareDatetime | None = None
    sent_at: Annotated[AwareDatetime | None, Field(alias="sentAt")] = None
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
    group_id: Annotated[LooseId, Field(alias="groupId")]


class Alias(CallBase):
    """`previousId` turned out to be `userId`."""

    type: Literal["alias"] = "alias"
    user_id: Annotated[LooseId, Field(alias="userId")]
    previous_id: Annotated[LooseId, Field(alias="previousId")]


Call = Track | Page | Screen | Identify | Group | Alias
CALLS: tuple[type[Call], ...] = (Track, Page, Screen, Identify, Group, Alias)
AnyCall = Annotated[Call, Field(discriminator="type")]
