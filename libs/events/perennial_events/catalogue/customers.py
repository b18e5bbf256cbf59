"""What `profile` publishes: `perennial.customers`, and the API keys on `perennial.keys`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from perennial_events.envelope import Event
from perennial_events.values import Amount, Code, Currency, Id

CUSTOMERS = "perennial.customers"
KEYS = "perennial.keys"

Stage = Literal["prospect", "new", "active", "at_risk", "lapsed", "closed"]
Scope = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z_]+:(\*|[a-z_]+))$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class CustomerRegistered(Event, topic=CUSTOMERS, fact="customer_registered", subject="customer_id"):
    customer_id: Id
    kind: Literal["person", "company"]
    country: Code | None = None
    locale: Code | None = None
    acquisition_channel: Code | None = None
    acquisition_campaign: Code | None = None
    acquisition_cost: Amount | None = None
    acquisition_currency: Currency | None = None


class CustomerUpdated(Event, topic=CUSTOMERS, fact="customer_updated", subject="customer_id"):
    """Something that is known of the customer changed. Says which fields, never their values."""

    customer_id: Id
    fields: list[Code]


class StageChanged(Event, topic=CUSTOMERS, fact="stage_changed", subject="customer_id"):
    customer_id: Id
    previous: Stage | None = None
    stage: Stage
    reason: Code
    """By which rule: `days` without an order, or `p_alive` once a value model is fitted."""


SegmentChange = Literal["event", "time", "rule"]
"""What moved a customer over a segment's border: an event, the end of a window, the segment's own rule."""


class SegmentEntered(Event, topic=CUSTOMERS, fact="segment_entered", subject="customer_id"):
    """The customer is a member of the segment from now on. Told once for each time that they enter."""

    customer_id: Id
    segment_id: Id
    reason: SegmentChange
    because: list[Code] = Field(default_factory=list)
    """Where the reason is an event: the facts and clicks of the customer that led to it."""


class SegmentLeft(Event, topic=CUSTOMERS, fact="segment_left", subject="customer_id"):
    """The customer is a member of the segment no longer."""

    customer_id: Id
    segment_id: Id
    reason: SegmentChange
    because: list[Code] = Field(default_factory=list)


class SegmentDefined(
    Event, topic=CUSTOMERS, fact="segment_defined", subject="segment_id", key="segment_id"
):
    """A segment was made, or its rule is another one. Its members follow as events of their own."""

    segment_id: Id
    version: Annotated[int, Field(ge=1)]


class SegmentRemoved(
    Event, topic=CUSTOMERS, fact="segment_removed", subject="segment_id", key="segment_id"
):
    """The segment is no more; that its members left it is told for each of them."""

    segment_id: Id


class KeyCreated(Event, topic=KEYS, fact="key_created", subject="key_id", key="key_id"):
    """An API key, by the SHA-256 of its 256 random bits: the key itself is in no event."""

    key_id: Id
    sha256: Sha256
    scopes: list[Scope]


class KeyRevoked(Event, topic=KEYS, fact="key_revoked", subject="key_id", key="key_id"):
    key_id: Id
