"""What partners may tell `support`: tickets of a help desk, and reviews on other sites.

Each command does nothing where its fact is known already: partners tell the same thing more than once.
"""

from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from perennial_events.catalogue import ReviewReported
from perennial_http import Body, Id, Text, Time
from perennial_webhooks import Commands, Delivery, PartnerCommand
from support_service.cases import service as cases
from support_service.complaints import service as complaints
from support_service.complaints.api import ComplaintBody
from support_service.complaints.service import OwnerOf


class Ticket(ComplaintBody):
    complaint_id: Id


class SolvedTicket(Body):
    complaint_id: Id
    resolution: Text | None = None


class Review(Body):
    review_id: Id
    rating: Annotated[int, Field(ge=1, le=5)]
    at: Time
    customer_id: Id | None = None
    order_id: Id | None = None
    sku: Id | None = None


def commands(owner_of: OwnerOf) -> Commands:
    """The table of what partners may ask for."""

    async def open_complaint(session: AsyncSession, ticket: Ticket, delivery: Delivery) -> None:
        if not await complaints.known_complaints(session, [ticket.complaint_id]):
            await complaints.open_complaint(session, ticket.complaint(delivery.now), owner_of)

    return {
        "open_complaint": PartnerCommand(Ticket, open_complaint),
        "resolve_complaint": PartnerCommand(SolvedTicket, resolve_complaint),
        "report_review": PartnerCommand(Review, report_review),
    }


async def resolve_complaint(
    session: AsyncSession, solved: SolvedTicket, delivery: Delivery
) -> None:
    """The ticket's case is resolved."""
    complaint = await complaints.get_complaint(session, solved.complaint_id)
    case = await cases.lock_case(session, complaint.case_id)
    if case.resolved_at is None:
        await cases.resolve(session, case.case_id, solved.resolution, delivery.now)


async def report_review(session: AsyncSession, review: Review, delivery: Delivery) -> None:
    """Publish what the review site says."""
    told = ReviewReported(partner=delivery.partner, **review.model_dump(exclude={"at"}))
    emit(session, told, at=review.at)
