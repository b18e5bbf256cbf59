"""`/v1/recommendation-rules`."""

from typing import Annotated, Literal, Self

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints, model_validator

from perennial_http import (
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
    etag,
)
from recommend_service.merchandising import service
from recommend_service.recommendations.rules import Placement

router = APIRouter(
    prefix="/v1/recommendation-rules", route_class=TransactionalRoute, tags=["recommendation rules"]
)

Named = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Factor = Annotated[float, Field(gt=0, le=1_000)]


class RuleBody(Body):
    action: Literal["pin", "boost", "bury", "exclude"]
    field: Literal["sku", "category"]
    """What the rule goes by."""
    value: Named
    """The sku, or the category, that it is about."""
    segment: Id | None = None
    """Only for requests that name this segment."""
    placement: Placement | None = None
    factor: Factor | None = None
    """By how much a boost (default 2) or a bury (default 0.5) changes the score."""
    starts_at: Time | None = None
    ends_at: Time | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.action == "pin" and self.field == "category":
            raise ValueError("only a sku can be pinned")
        if self.factor is not None and self.action not in ("boost", "bury"):
            raise ValueError("only boost and bury take a factor")
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class RuleAnswer(Answer):
    rule_id: Id
    action: str
    field: str
    value: str
    segment: Id | None
    placement: str | None
    factor: float | None
    starts_at: Time | None
    ends_at: Time | None
    made_at: Time


class RulesQuery(PageQuery):
    value: Named | None = None


@router.put("/{rule_id}", dependencies=[Authorized("recommend:write")])
async def put_rule(
    rule_id: Id,
    body: RuleBody,
    session: Session,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> RuleAnswer:
    """Pin, boost, bury or exclude a product or a category, from now on or between two dates."""
    now = request.app.state.clock()
    rule = await service.put_rule(session, rule_id, body.model_dump(), now, if_match)
    response.headers["ETag"] = etag(rule.version)
    return RuleAnswer.model_validate(rule)


@router.get("", dependencies=[Authorized("recommend:read")])
async def list_rules(query: Annotated[RulesQuery, Query()], session: Session) -> Page[RuleAnswer]:
    """All rules, the newest first."""
    rules, cursor = await service.list_rules(session, query)
    return Page(data=[RuleAnswer.model_validate(each) for each in rules], next_cursor=cursor)


@router.get("/{rule_id}", dependencies=[Authorized("recommend:read")])
async def get_rule(rule_id: Id, session: Session, response: Response) -> RuleAnswer:
    rule = await service.get_rule(session, rule_id)
    response.headers["ETag"] = etag(rule.version)
    return RuleAnswer.model_validate(rule)


@router.delete("/{rule_id}", status_code=204, dependencies=[Authorized("recommend:write")])
async def delete_rule(rule_id: Id, session: Session) -> Response:
    """End a rule at once."""
    await service.delete_rule(session, rule_id)
    return Response(status_code=204)
