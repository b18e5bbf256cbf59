"""What `profile` publishes: `perennial.customers`, and the API keys on `perennial.keys`."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from perennial_events.envelope import Event
from perennial_events.values import MAX_AMOUNT, Amount, Code, Currency, Id

CUSTOMERS = "perennial.customers"
KEYS = "perennial.keys"

MERGE: Final = "merge"
"""The reason of a change that a merge, or its undoing, brought about."""

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


class CustomersMerged(Event, topic=CUSTOMERS, fact="customers_merged", subject="merge_id"):
    """`customer_id` turned out to be `into_id`: what is theirs is the survivor's from now on.

    The key is the customer that was merged away, which one merge at most stands for: so its merges and
    their undoing never change places. With the survivor's own events there is no order, and none is
    needed: facts stay with the identity that they named, and are resolved when they are read.
    """

    merge_id: Id
    customer_id: Id
    into_id: Id


class MergeUndone(Event, topic=CUSTOMERS, fact="merge_undone", subject="merge_id"):
    """The two are two customers again, each with what named them."""

    merge_id: Id
    customer_id: Id
    into_id: Id


class AnonymousIdAdded(Event, topic=CUSTOMERS, fact="anonymous_id_added", subject="customer_id"):
    """Somebody said whose an anonymous visitor's past is. As if the visitor had identified themselves."""

    customer_id: Id
    anonymous_id: Id


class AnonymousIdRemoved(
    Event, topic=CUSTOMERS, fact="anonymous_id_removed", subject="customer_id"
):
    """The anonymous visitor is not this customer: nobody's past, until they identify themselves anew."""

    customer_id: Id
    anonymous_id: Id


class StageChanged(Event, topic=CUSTOMERS, fact="stage_changed", subject="customer_id"):
    customer_id: Id
    previous: Stage | None = None
    stage: Stage
    reason: Code
    """By which rule: `days` without an order, `p_alive` once a value model is fitted, or `merge`: the
    customer's orders became more, or fewer, by a merge or its undoing."""


class ConsentChanged(Event, topic=CUSTOMERS, fact="consent_changed", subject="customer_id"):
    """A customer allowed something, or does no longer: to be reached here, for this purpose."""

    customer_id: Id
    channel: Code
    purpose: Code
    status: Code
    """`granted` or `withdrawn`; more may follow, so that a reader acts upon `granted` alone."""
    previous: Code | None = None
    source: Code
    """Where the customer said so: `checkout`, `preference_centre`."""


class CustomerErased(Event, topic=CUSTOMERS, fact="customer_erased", subject="customer_id"):
    """A customer is to be forgotten. Every service erases what it holds, and says so."""

    customer_id: Id
    erasure_id: Id
    identities: list[Id]
    """The customer's own id, and those of all who were merged into them."""


class ErasureCompleted(Event, topic=CUSTOMERS, fact="erasure_completed", subject="customer_id"):
    """One service holds nothing of the erased customer any more. Each service tells it of itself."""

    customer_id: Id
    erasure_id: Id
    service: Code


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
    `prediction`, `thresholds` that moved with the shop's other customers, or a `merge` or its undoing:
    whoever was merged away stands in none."""


class KeyCreated(Event, topic=KEYS, fact="key_created", subject="key_id", key="key_id"):
    """An API key, by the SHA-256 of its 256 random bits: the key itself is in no event."""

    key_id: Id
    sha256: Sha256
    scopes: list[Scope]


class KeyRevoked(Event, topic=KEYS, fact="key_revoked", subject="key_id", key="key_id"):
    key_id: Id
