"""What `support` publishes: `perennial.complaints`."""

from typing import Annotated, Literal

from pydantic import Field

from perennial_events.envelope import Event
from perennial_events.values import Amount, Code, Currency, Id

COMPLAINTS = "perennial.complaints"

Category = Literal["delivery", "quality", "service", "payment", "website", "other"]
Severity = Literal["minor", "major", "critical"]
Rating = Annotated[int, Field(ge=1, le=5)]
"""Five levels of satisfaction, from 1 (very dissatisfied) to 5 (very satisfied)."""


class ComplaintOpened(Event, topic=COMPLAINTS, fact="complaint_opened", subject="complaint_id"):
    """A customer complained. The case is a new one, or the open one about the same order."""

    complaint_id: Id
    case_id: Id
    customer_id: Id
    order_id: Id | None = None
    sku: Id | None = None
    category: Category
    severity: Severity
    channel: Code
    joined: bool = False
    """Whether the complaint joined a case that was open already."""


class ComplaintAnswered(Event, topic=COMPLAINTS, fact="complaint_answered", subject="case_id"):
    """Staff replied to the customer. `first`: the case's first response."""

    case_id: Id
    customer_id: Id
    first: bool


class ComplaintResolved(Event, topic=COMPLAINTS, fact="complaint_resolved", subject="case_id"):
    case_id: Id
    customer_id: Id
    category: Category


class ComplaintReopened(Event, topic=COMPLAINTS, fact="complaint_reopened", subject="case_id"):
    case_id: Id
    customer_id: Id
    category: Category


class ComplaintEscalated(Event, topic=COMPLAINTS, fact="complaint_escalated", subject="case_id"):
    """The case became more urgent. `level` counts its escalations."""

    case_id: Id
    customer_id: Id
    level: Annotated[int, Field(ge=1)]


class ReviewReported(
    Event, topic=COMPLAINTS, fact="review_reported", subject="review_id", key="review_id"
):
    """A review site told of a review. Its text stays there."""

    review_id: Id
    partner: Id
    customer_id: Id | None = None
    rating: Annotated[int, Field(ge=1, le=5)]
    order_id: Id | None = None
    sku: Id | None = None


class ReviewSubmitted(Event, topic=COMPLAINTS, fact="review_submitted", subject="review_id"):
    """A customer rated an order, a product or the shop. What they wrote stays in `support`."""

    review_id: Id
    customer_id: Id
    order_id: Id | None = None
    sku: Id | None = None
    rating: Rating
    channel: Code | None = None


class SurveyAnswered(Event, topic=COMPLAINTS, fact="survey_answered", subject="answer_id"):
    """A customer answered a survey.

    `csat` asks how satisfied they are and is scored 1 to 5, as reviews are; `nps` asks how likely they
    are to recommend the shop, 0 to 10.
    """

    answer_id: Id
    survey: Literal["csat", "nps"]
    customer_id: Id
    case_id: Id | None = None
    order_id: Id | None = None
    score: Annotated[int, Field(ge=0, le=10)]


class RecoveryGranted(Event, topic=COMPLAINTS, fact="recovery_granted", subject="recovery_id"):
    """The shop made good for a failure. `amount` is what that is worth, where it has a price."""

    recovery_id: Id
    customer_id: Id
    case_id: Id | None = None
    order_id: Id | None = None
    offer: Literal["points", "coupon", "gift_card", "refund", "apology", "callback"]
    amount: Amount | None = None
    currency: Currency | None = None
    reason: Code
    """The playbook or the failure that led to it."""
