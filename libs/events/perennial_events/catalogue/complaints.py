"""What `support` publishes: `perennial.complaints`."""

from typing import Annotated, Literal

from pydantic import Field

from perennial_events.envelope import Event
from perennial_events.values import Code, Id

COMPLAINTS = "perennial.complaints"

Category = Literal["delivery", "quality", "service", "payment", "website", "other"]
Severity = Literal["minor", "major", "critical"]


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
