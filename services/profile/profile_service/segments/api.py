"""`/v1/segments`, and the segments of a customer."""

from typing import Annotated, Any

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    Body,
    Id,
    IfMatch,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    check_if_match,
    etag,
    fetch_page,
)
from profile_service.customers.service import get_customer
from profile_service.segments import service
from profile_service.segments.clauses import Clause, write_rule
from profile_service.segments.membership import hold_rules
from profile_service.segments.models import Segment, SegmentMember, Status

router = APIRouter(route_class=TransactionalRoute, tags=["segments"])

READ, WRITE = Authorized("profile:read"), Authorized("profile:write")

Name = Annotated[str, Field(min_length=1, max_length=200)]


class SegmentDescription(Body):
    name: Name
    rule: Clause


class SegmentBody(SegmentDescription):
    segment_id: Id | None = None


class PreviewBody(Body):
    rule: Clause


class SegmentAnswer(Answer):
    segment_id: Id
    name: str
    rule: dict[str, Any]
    version: int
    created_at: Time
    updated_at: Time


class PreviewAnswer(Answer):
    count: int
    sample: list[Id]
    """The first of them, by id."""


class MemberAnswer(Answer):
    customer_id: Id
    since: Time


class MembersPage(Page[MemberAnswer]):
    status: Status
    """`computing`: the rule is new, and these are the members by the rule before."""


class MembershipAnswer(Answer):
    segment_id: Id
    name: str
    since: Time


class ClauseFinding(Answer):
    pointer: str
    """Where in the rule the clause stands (RFC 6901)."""
    clause: dict[str, Any]
    holds: bool
    seen: Any = None
    """What was compared: a field's or attribute's value, a count, a sum."""


class ExplainAnswer(Answer):
    segment_id: Id
    customer_id: Id
    holds: bool
    member: bool
    """Other than `holds` only while the segment is being computed, or for a moment."""
    since: Time | None
    unchanged_until: Time | None
    """Before this time it cannot change unless something happens; null: never by time alone."""
    clauses: list[ClauseFinding]


@router.post("/v1/segments", status_code=201, dependencies=[WRITE])
async def make_segment(
    body: SegmentBody, session: Session, request: Request, response: Response
) -> SegmentAnswer:
    """Make a segment. Its members are found at once, and told as `segment_entered`."""
    segment_id = body.segment_id or str(uuids.uuid7())
    now = request.app.state.clock()
    segment = await service.make_segment(session, segment_id, body.name, body.rule, now)
    response.headers["Location"] = f"/v1/segments/{segment_id}"
    response.headers["ETag"] = etag(segment.version)
    return SegmentAnswer.model_validate(segment)


@router.post("/v1/segments/preview", dependencies=[WRITE])
async def preview_rule(body: PreviewBody, session: Session, request: Request) -> PreviewAnswer:
    """How many customers fit a rule right now, and some of them. Nothing is kept."""
    count, sample = await service.preview(session, body.rule, request.app.state.clock())
    return PreviewAnswer(count=count, sample=sample)


@router.get("/v1/segments", dependencies=[READ])
async def list_segments(
    query: Annotated[PageQuery, Query()], session: Session
) -> Page[SegmentAnswer]:
    """Every segment, by its id."""
    statement = select(Segment).where(Segment.status != "removing")
    keyset = (Segment.segment_id,)
    segments, cursor = await fetch_page(session, statement, keyset, query, descending=False)
    data = [SegmentAnswer.model_validate(segment) for segment in segments]
    return Page(data=data, next_cursor=cursor)


@router.get("/v1/segments/{segment_id}", dependencies=[READ])
async def get_segment(segment_id: Id, session: Session, response: Response) -> SegmentAnswer:
    segment = await service.get_segment(session, segment_id)
    response.headers["ETag"] = etag(segment.version)
    return SegmentAnswer.model_validate(segment)


@router.put("/v1/segments/{segment_id}", dependencies=[WRITE])
async def put_segment(
    segment_id: Id,
    body: SegmentDescription,
    session: Session,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> SegmentAnswer:
    """Make a segment, or give it another name and rule."""
    await hold_rules(session)
    if if_match is not None:
        check_if_match(if_match, (await service.get_segment(session, segment_id)).version)
    now = request.app.state.clock()
    segment = await service.put_segment(session, segment_id, body.name, body.rule, now)
    response.headers["ETag"] = etag(segment.version)
    return SegmentAnswer.model_validate(segment)


@router.delete("/v1/segments/{segment_id}", status_code=204, dependencies=[WRITE])
async def remove_segment(segment_id: Id, session: Session, request: Request) -> Response:
    """Remove a segment; its members leave it. One that others name is kept: 409."""
    await hold_rules(session)
    await service.remove_segment(session, segment_id, request.app.state.clock())
    return Response(status_code=204)


@router.get("/v1/segments/{segment_id}/members", dependencies=[READ, AFTER])
async def list_members(
    segment_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> MembersPage:
    """Who is a member right now, by customer id."""
    segment = await service.get_segment(session, segment_id)
    statement = select(SegmentMember).where(SegmentMember.segment_id == segment_id)
    keyset = (SegmentMember.customer_id,)
    members, cursor = await fetch_page(session, statement, keyset, query, descending=False)
    data = [MemberAnswer.model_validate(member) for member in members]
    return MembersPage(data=data, next_cursor=cursor, status=segment.status)


@router.get("/v1/customers/{customer_id}/segments", dependencies=[READ, AFTER])
async def list_memberships(
    customer_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> Page[MembershipAnswer]:
    """The segments that the customer is a member of, by their ids."""
    await get_customer(session, customer_id)
    statement: Any = (
        select(Segment.segment_id, Segment.name, SegmentMember.since)
        .join(SegmentMember, SegmentMember.segment_id == Segment.segment_id)
        .where(SegmentMember.customer_id == customer_id, Segment.status != "removing")
    )
    keyset = (Segment.segment_id,)
    rows, cursor = await fetch_page(session, statement, keyset, query, descending=False)
    data = [MembershipAnswer(segment_id=id, name=name, since=since) for id, name, since in rows]
    return Page(data=data, next_cursor=cursor)


@router.get("/v1/customers/{customer_id}/segments/{segment_id}/explain", dependencies=[READ, AFTER])
async def explain_membership(
    customer_id: Id, segment_id: Id, session: Session, request: Request
) -> ExplainAnswer:
    """Which clauses of the rule hold for the customer right now, with the values that they saw."""
    now = request.app.state.clock()
    verdict, findings = await service.explain(session, segment_id, customer_id, now)
    member = await session.get(SegmentMember, (segment_id, customer_id))
    return ExplainAnswer(
        segment_id=segment_id,
        customer_id=customer_id,
        holds=verdict.holds,
        member=member is not None,
        since=None if member is None else member.since,
        unchanged_until=verdict.due,
        clauses=[
            ClauseFinding(
                pointer="".join(f"/{step}" for step in each.path),
                clause=write_rule(each.clause),
                holds=each.holds,
                seen=each.seen,
            )
            for each in findings
        ],
    )
