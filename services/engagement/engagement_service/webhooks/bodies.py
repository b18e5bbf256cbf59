"""What `/v1/webhook-endpoints` takes and answers."""

from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator, model_validator

from engagement_service.webhooks import payloads, rules
from perennial_http import Answer, Body, Id, PageQuery, Time

Description = Annotated[str, Field(min_length=1, max_length=500)]
Url = Annotated[str, Field(min_length=1, max_length=2_000)]
Patterns = Annotated[
    list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=50)
]


def _known(patterns: list[str]) -> list[str]:
    for pattern in patterns:
        in_form = "*" not in pattern[:-1] and (
            not pattern.endswith("*") or pattern == "*" or pattern.endswith(".*")
        )
        if not in_form or not any(
            rules.matches([pattern], each) for each in payloads.PARTNER_TYPES
        ):
            raise ValueError(
                f"{pattern} matches no event type; GET /v1/webhook-event-types lists them, and"
                " perennial.orders.* is all of a topic"
            )
    return sorted(set(patterns))


class EndpointBody(Body):
    endpoint_id: Id | None = None
    url: Url
    event_types: Patterns = Field(default_factory=lambda: ["*"])
    """Names, or `perennial.orders.*`; all there are, where nothing is said."""
    description: Description | None = None
    payload: payloads.Payload = "thin"
    """`thin`: ids and a link; `full`: the event's data as well, while it is under 20 kB."""
    ordered: bool = False
    """Whether a customer's next event waits until the one before it was delivered."""

    @field_validator("event_types")
    @classmethod
    def _types(cls, value: list[str]) -> list[str]:
        return _known(value)


class EndpointPatch(Body):
    """Only what is sent changes."""

    url: Url | None = None
    event_types: Patterns | None = None
    description: Description | None = None
    payload: payloads.Payload | None = None

    @field_validator("event_types")
    @classmethod
    def _types(cls, value: list[str] | None) -> list[str] | None:
        return None if value is None else _known(value)

    @model_validator(mode="after")
    def _not_empty(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("send at least one field to change")
        return self


class EndpointAnswer(Answer):
    endpoint_id: Id
    url: str
    event_types: list[str]
    description: str | None
    payload: payloads.Payload
    ordered: bool
    status: rules.Status
    note: str | None
    """Why it was disabled, and what to do about it."""
    failing_since: Time | None
    """Since when there was nothing but failure."""
    created_at: Time


class NewEndpointAnswer(EndpointAnswer):
    secret: str
    """Shown this once."""


class RotatedAnswer(EndpointAnswer):
    secret: str
    """The new one, shown this once. Until `previous_until` both sign."""
    previous_until: Time


class DeliveryAnswer(Answer):
    model_config = ConfigDict(frozen=True, from_attributes=True, coerce_numbers_to_str=True)

    delivery_id: str
    event_id: UUID
    """Sent as `webhook-id`, the same in every attempt."""
    type: str
    status: rules.DeliveryStatus
    attempts: int
    last_status: int | None
    """The receiver's last answer. Its body is not kept."""
    last_failure: str | None
    """Where there was no answer: `timeout`, `connection`, `tls`, `forbidden_address`; `secret` or
    `internal` where it is ours."""
    due_at: Time
    """When the next attempt is due, while it is pending."""
    created_at: Time
    finished_at: Time | None


class ReplayBody(Body):
    """One delivery, or all that were queued from a time until before another."""

    delivery_id: Annotated[str | None, Field(pattern=r"^[0-9]{1,18}$")] = None
    since: Annotated[Time | None, Field(alias="from")] = None
    until: Annotated[Time | None, Field(alias="to")] = None
    status: rules.DeliveryStatus | None = None
    """Only those of a range that ended so; all that ended, where nothing is said."""

    @model_validator(mode="after")
    def _one_or_range(self) -> Self:
        ranged = self.since is not None and self.until is not None
        if (self.delivery_id is not None) == (self.since is not None or self.until is not None):
            raise ValueError("takes delivery_id, or from and to")
        if self.delivery_id is None and not ranged:
            raise ValueError("takes from and to together")
        return self


class ReplayedAnswer(Answer):
    replayed: int


class EventTypeAnswer(Answer):
    type: str
    description: str
    data_schema: dict[str, Any] = Field(serialization_alias="schema")
    """JSON Schema of `data`, where the endpoint's payload is `full`."""
    example: dict[str, Any]
    """The whole message."""


class EventTypesAnswer(Answer):
    data: list[EventTypeAnswer]


class DeliveriesQuery(PageQuery):
    status: rules.DeliveryStatus | None = None
