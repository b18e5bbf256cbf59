"""`/v1/complaints`: their bodies, their answers, their routes."""

from datetime import datetime

import uuid_utils.compat as uuids
from fastapi import APIRouter, Request, Response

from perennial_events.catalogue.complaints import Category, Severity
from perennial_events.values import Code
from perennial_http import (
    PERSONAL,
    Answer,
    Authorized,
    Body,
    Id,
    Session,
    Text,
    Time,
    TransactionalRoute,
    etag,
)
from support_service.cases.answers import CaseAnswer, Whose
from support_service.cases.models import Case
from support_service.cases.service import get_case
from support_service.complaints import rules, service
from support_service.complaints.models import Complaint

router = APIRouter(route_class=TransactionalRoute, tags=["complaints"])


class ComplaintBody(Body):
    complaint_id: Id | None = None
    customer_id: Id
    order_id: Id | None = None
    sku: Id | None = None
    category: Category | None = None
    severity: Severity | None = None
    """Both are suggested from the text where they are not given."""
    text: Text
    channel: Code

    def complaint(self, at: datetime) -> Complaint:
        """A new complaint as this body describes it, with what its text suggests."""
        category, severity = rules.suggest(self.text, self.category, self.severity)
        return Complaint(
            complaint_id=self.complaint_id or str(uuids.uuid7()),
            customer_id=self.customer_id,
            order_id=self.order_id,
            sku=self.sku,
            category=category.value,
            severity=severity.value,
            suggested_category=self.category is None,
            suggested_severity=self.severity is None,
            because={"category": category.because, "severity": severity.because},
            text=self.text,
            channel=self.channel,
            opened_at=at,
        )


class Suggested(Answer):
    """Whether the text suggested it, or the caller said so."""

    category: bool
    severity: bool


class Because(Answer):
    """The words of the text that decided what was suggested."""

    category: list[str]
    severity: list[str]


class ComplaintAnswer(Answer):
    complaint_id: Id
    case_id: Id
    customer_id: Whose
    order_id: Id | None
    sku: Id | None
    category: Category
    severity: Severity
    suggested: Suggested
    because: Because
    text: str
    channel: str
    joined: bool
    """Whether the case was open before this complaint."""
    opened_at: Time


class ComplaintWithCase(ComplaintAnswer):
    case: CaseAnswer


def render(complaint: Complaint, case: Case) -> ComplaintWithCase:
    return ComplaintWithCase(
        **ComplaintAnswer.model_validate(complaint).model_dump(),
        case=CaseAnswer.model_validate(case),
    )


@router.post(
    "/v1/complaints", status_code=201, dependencies=[Authorized("support:write"), PERSONAL]
)
async def open_complaint(
    body: ComplaintBody, session: Session, request: Request, response: Response
) -> ComplaintWithCase:
    """Complain. Opens a case, or joins the open one of the same customer about the same order.

    Customers that were merged are the same.
    """
    state = request.app.state
    complaint = body.complaint(state.clock())
    case = await service.open_complaint(session, complaint, state.settings.owner_of)
    response.headers["Location"] = f"/v1/complaints/{complaint.complaint_id}"
    response.headers["ETag"] = etag(service.tag_of(case, [complaint]))
    return render(complaint, case)


@router.get("/v1/complaints/{complaint_id}", dependencies=[Authorized("support:read"), PERSONAL])
async def get_complaint(
    complaint_id: Id, session: Session, response: Response
) -> ComplaintWithCase:
    """The complaint as it came, and its case as it stands."""
    complaint = await service.get_complaint(session, complaint_id)
    case = await get_case(session, complaint.case_id)
    # A complaint never changes, so that its case's version and whose both are tell these answers apart.
    response.headers["ETag"] = etag(service.tag_of(case, [complaint]))
    return render(complaint, case)
