"""`/v1/cases`: their bodies, their answers, their routes."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from perennial_events.identities import identities_of
from perennial_events.values import Code
from perennial_http import (
    AFTER,
    PERSONAL,
    Answer,
    Authorized,
    Body,
    Id,
    Page,
    PageQuery,
    Session,
    Text,
    Time,
    TransactionalRoute,
    etag,
    fetch_page,
)
from support_service.cases import rules, service
from support_service.cases.answers import CaseAnswer
from support_service.cases.models import Case, Message, MessageKind
from support_service.complaints.api import ComplaintAnswer
from support_service.complaints.models import Complaint
from support_service.complaints.service import complaints_of, tag_of

router = APIRouter(route_class=TransactionalRoute, tags=["cases"])


class MessageAnswer(Answer):
    """What was written: by the customer (`complaint`), or by staff."""

    kind: MessageKind | Literal["complaint"]
    text: str
    author: str
    channel: str | None
    at: Time


class CaseWithMessages(CaseAnswer):
    complaints: list[ComplaintAnswer]
    messages: list[MessageAnswer]
    """All that was written, oldest first."""


def render(
    case: Case, complaints: Sequence[Complaint], messages: Sequence[Message]
) -> CaseWithMessages:
    written = [
        MessageAnswer(
            kind="complaint",
            text=each.text,
            author=each.survivor_id,
            channel=each.channel,
            at=each.opened_at,
        )
        for each in complaints
    ]
    written += [MessageAnswer.model_validate(each) for each in messages]
    return CaseWithMessages(
        **CaseAnswer.model_validate(case).model_dump(),
        complaints=[ComplaintAnswer.model_validate(each) for each in complaints],
        messages=sorted(written, key=lambda each: each.at),
    )


@router.get("/v1/cases/{case_id}", dependencies=[Authorized("support:read"), PERSONAL])
async def get_case(case_id: Id, session: Session, response: Response) -> CaseWithMessages:
    """The case, with its complaints and all that was written."""
    # The case first: what is written meanwhile then shows under the older tag, never the reverse.
    case = await service.get_case(session, case_id)
    complaints = await complaints_of(session, case_id)
    messages = await service.messages_of(session, case_id)
    response.headers["ETag"] = etag(tag_of(case, complaints))
    return render(case, complaints, messages)


class CasesQuery(PageQuery):
    queue: rules.Queue | None = None
    status: rules.Status | None = None
    owner: Id | None = None
    customer_id: Id | None = None


@router.get("/v1/cases", dependencies=[Authorized("support:read"), AFTER])
async def list_cases(query: Annotated[CasesQuery, Query()], session: Session) -> Page[CaseAnswer]:
    """Cases, the latest opened first; a customer's include those of whoever was merged into them."""
    statement = select(Case)
    if query.queue is not None:
        statement = statement.where(Case.queue == query.queue)
    if query.status is not None:
        statement = statement.where(Case.status == query.status)
    if query.owner is not None:
        statement = statement.where(Case.owner == query.owner)
    if query.customer_id is not None:
        identities = await identities_of(session, query.customer_id)
        statement = statement.where(Case.customer_id.in_(identities))
    cases, cursor = await fetch_page(session, statement, (Case.opened_at, Case.case_id), query)
    return Page(data=[CaseAnswer.model_validate(case) for case in cases], next_cursor=cursor)


class AssignBody(Body):
    owner: Id


class ReplyBody(Body):
    text: Text
    author: Id | None = None
    channel: Code | None = None


class NoteBody(Body):
    text: Text
    author: Id | None = None


class ReasonBody(Body):
    reason: Text


class ResolveBody(Body):
    resolution: Text | None = None


@router.post("/v1/cases/{case_id}/assign", dependencies=[Authorized("support:write")])
async def assign(case_id: Id, body: AssignBody, session: Session) -> CaseAnswer:
    """Give the case to another owner."""
    return CaseAnswer.model_validate(await service.assign(session, case_id, body.owner))


@router.post("/v1/cases/{case_id}/reply", dependencies=[Authorized("support:write"), PERSONAL])
async def reply(case_id: Id, body: ReplyBody, session: Session, request: Request) -> CaseAnswer:
    """Answer the customer."""
    now = request.app.state.clock()
    case = await service.reply(
        session, case_id, body.text, author=body.author, channel=body.channel, now=now
    )
    return CaseAnswer.model_validate(case)


@router.post("/v1/cases/{case_id}/note", dependencies=[Authorized("support:write"), PERSONAL])
async def note(case_id: Id, body: NoteBody, session: Session, request: Request) -> CaseAnswer:
    """Keep something for colleagues; also possible once the case is resolved."""
    now = request.app.state.clock()
    case = await service.note(session, case_id, body.text, author=body.author, now=now)
    return CaseAnswer.model_validate(case)


@router.post("/v1/cases/{case_id}/escalate", dependencies=[Authorized("support:write"), PERSONAL])
async def escalate(case_id: Id, body: ReasonBody, session: Session, request: Request) -> CaseAnswer:
    """Make the case more urgent by one level."""
    now = request.app.state.clock()
    return CaseAnswer.model_validate(await service.escalate(session, case_id, body.reason, now))


@router.post("/v1/cases/{case_id}/resolve", dependencies=[Authorized("support:write"), PERSONAL])
async def resolve(
    case_id: Id, session: Session, request: Request, body: ResolveBody | None = None
) -> CaseAnswer:
    """Nothing more is to be done about it."""
    resolution = body.resolution if body else None
    case = await service.resolve(session, case_id, resolution, request.app.state.clock())
    return CaseAnswer.model_validate(case)


@router.post("/v1/cases/{case_id}/reopen", dependencies=[Authorized("support:write"), PERSONAL])
async def reopen(case_id: Id, body: ReasonBody, session: Session, request: Request) -> CaseAnswer:
    """Take a resolved case up again."""
    now = request.app.state.clock()
    return CaseAnswer.model_validate(await service.reopen(session, case_id, body.reason, now))
