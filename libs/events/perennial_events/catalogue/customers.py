"""What `profile` publishes: `perennial.customers`, and the API keys on `perennial.keys`."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from perennial_events.envelope import Event
from perennial_events.values import MAX_AMOUNT, Amount, Code, Currency, Id

CUSTOMERS = "perennial.customers"
KEYS = "perennial.keys"

Stage = Literal["prospect", "new", "active", "at_risk", "lapsed", "closed"]
ValueSegment = Literal["most_valuable", "most_growable", "standard", "below_zero"]
ValueTier = Literal["key", "major", "ordinary", "small"]
SignedAmount = Annotated[int, Field(ge=-MAX_AMOUNT, le=MAX_AMOUNT, strict=True)]
"""Minor units of the base currency that may be negative, such as a margin."""
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


class ValueChanged(Event, topic=CUSTOMERS, fact="value_changed", subject="customer_id"):
    """What a customer is worth changed so much that they stand in another value segment or tier.

    Both are absent for somebody who has bought nothing. Amounts are minor units of the base currency,
    of 365 days: the margin of those that are past, what is expected of those to come, and what serving
    the customer cost.
    """

    customer_id: Id
    previous_segment: ValueSegment | None = None
    segment: ValueSegment | None = None
    previous_tier: ValueTier | None = None
    tier: ValueTier | None = None
    margin: SignedAmount
    expected_margin: SignedAmount
    cost_to_serve: SignedAmount
    reason: Code
    """What moved it: `activity` of the customer, `expiry` of what is more than 365 days past, a new
    `prediction`, or `thresholds` that moved with the shop's other customers."""


class KeyCreated(Event, topic=KEYS, fact="key_created", subject="key_id", key="key_id"):
    """An API key, by the SHA-256 of its 256 random bits: the key itself is in no event."""

    key_id: Id
    sha256: Sha256
    scopes: list[Scope]


class KeyRevoked(Event, topic=KEYS, fact="key_revoked", subject="key_id", key="key_id"):
    key_id: Id
