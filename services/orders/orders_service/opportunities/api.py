"""`/v1/opportunities` with their forecast, and `/v1/commissions`."""

from datetime import date, datetime
from typing import Annotated, Any

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, StringConstraints
from sqlalchemy import select

from orders_service.opportunities import reports, rules, service
from orders_service.opportunities.models import Opportunity
from orders_service.sums import Sum
from perennial_http import (
    Answer,
    Authorized,
    Body,
    Id,
    IfMatch,
    Invalid,
    Money,
    Page,
    PageQuery,
    QueryModel,
    Session,
    Time,
    TransactionalRoute,
    check_if_match,
    etag,
    fetch_page,
)

router = APIRouter(route_class=TransactionalRoute, tags=["company sales"])

Title = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Month = Annotated[str, StringConstraints(pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])$")]

RESERVED = "forecast"
"""A word of the paths below, which cannot be an id."""


class OpportunityBody(Body):
    opportunity_id: Id | None = None
    customer_id: Id
    owner: Id
    title: Title
    value: Money
    expected_on: date
    stage: rules.OpenStage = "lead"
    next_step: Title | None = None
    next_step_due: date | None = None

    def opportunity(self, now: datetime) -> Opportunity:
        return Opportunity(
            opportunity_id=self.opportunity_id or str(uuids.uuid7()),
            customer_id=self.customer_id,
            owner=self.owner,
            title=self.title,
            stage=self.stage,
            currency=self.value.currency,
            value=self.value.amount,
            expected_on=self.expected_on,
            next_step=self.next_step,
            next_step_due=self.next_step_due,
            opened_at=now,
        )


class OpportunityPatch(Body):
    """What is known better now; what is not sent stays."""

    owner: Id | None = None
    title: Title | None = None
    value: Money | None = None
    expected_on: date | None = None
    next_step: Title | None = None
    next_step_due: date | None = None

    def columns(self) -> dict[str, Any]:
        """What was sent. Only the next step can be taken back."""
        sent: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        for name in ("owner", "title", "value", "expected_on"):
            if name in sent and sent[name] is None:
                raise Invalid.field(f"/{name}", "cannot be taken away")
        if (value := sent.pop("value", None)) is not None:
            sent |= {"value": value.amount, "currency": value.currency}
        return sent


class MoveBody(Body):
    stage: rules.Stage


class OpportunityAnswer(Answer):
    opportunity_id: Id
    customer_id: Id
    owner: Id
    title: str
    stage: rules.Stage
    probability: int
    """In percent."""
    value: Money
    expected_on: date
    next_step: str | None
    next_step_due: date | None
    opened_at: Time
    closed_at: Time | None


def render(opportunity: Opportunity) -> OpportunityAnswer:
    return OpportunityAnswer(
        opportunity_id=opportunity.opportunity_id,
        customer_id=opportunity.customer_id,
        owner=opportunity.owner,
        title=opportunity.title,
        stage=opportunity.stage,
        probability=rules.PROBABILITY[opportunity.stage],
        value=Money(amount=opportunity.value, currency=opportunity.currency),
        expected_on=opportunity.expected_on,
        next_step=opportunity.next_step,
        next_step_due=opportunity.next_step_due,
        opened_at=opportunity.opened_at,
        closed_at=opportunity.closed_at,
    )


@router.post("/v1/opportunities", status_code=201, dependencies=[Authorized("orders:write")])
async def open_opportunity(
    body: OpportunityBody, session: Session, request: Request, response: Response
) -> OpportunityAnswer:
    """Put a possible sale into the pipeline."""
    if body.opportunity_id == RESERVED:
        raise Invalid.field("/opportunity_id", "is a word that stands for something else")
    opportunity = body.opportunity(request.app.state.clock())
    await service.open_opportunity(session, opportunity)
    response.headers["Location"] = f"/v1/opportunities/{opportunity.opportunity_id}"
    response.headers["ETag"] = etag(opportunity.version)
    return render(opportunity)


class ForecastQuery(QueryModel):
    month: Month | None = None
    """The first month; the present one where it is not said."""
    months: Annotated[int, Field(ge=1, le=60)] = 12


class ExpectedAnswer(Answer):
    month: str | None
    open: int
    value: Sum
    weighted: Sum
    won: Sum
    unpriced: int


class ForecastAnswer(Answer):
    data: list[ExpectedAnswer]
    overdue: ExpectedAnswer
    """Open sales that were expected before the first month."""


@router.get("/v1/opportunities/forecast", dependencies=[Authorized("orders:read")])
async def get_forecast(
    query: Annotated[ForecastQuery, Query()], session: Session, request: Request
) -> ForecastAnswer:
    """What is expected month by month, weighted by stage, in the base currency."""
    state = request.app.state
    today, currency = state.clock().date(), state.settings.currency
    month = query.month or f"{today:%Y-%m}"
    found = await reports.forecast(session, month, query.months, currency, today)

    def render_month(month: str | None) -> ExpectedAnswer:
        expected = found[month]._asdict()
        for name in ("value", "weighted", "won"):
            expected[name] = Sum(amount=expected[name], currency=currency)
        return ExpectedAnswer(month=month, **expected)

    data = [render_month(month) for month in found if month is not None]
    return ForecastAnswer(data=data, overdue=render_month(None))


@router.get("/v1/opportunities/{opportunity_id}", dependencies=[Authorized("orders:read")])
async def get_opportunity(
    opportunity_id: Id, session: Session, response: Response
) -> OpportunityAnswer:
    opportunity = await service.get_opportunity(session, opportunity_id)
    response.headers["ETag"] = etag(opportunity.version)
    return render(opportunity)


@router.patch("/v1/opportunities/{opportunity_id}", dependencies=[Authorized("orders:write")])
async def change_opportunity(
    opportunity_id: Id,
    body: OpportunityPatch,
    session: Session,
    response: Response,
    if_match: IfMatch = None,
) -> OpportunityAnswer:
    """Note its value, its owner, its next step, as they are known now."""
    opportunity = await service.lock_opportunity(session, opportunity_id)
    check_if_match(if_match, opportunity.version)
    await service.change_opportunity(session, opportunity, body.columns())
    response.headers["ETag"] = etag(opportunity.version)
    return render(opportunity)


@router.post("/v1/opportunities/{opportunity_id}/move", dependencies=[Authorized("orders:write")])
async def move_opportunity(
    opportunity_id: Id, body: MoveBody, session: Session, request: Request
) -> OpportunityAnswer:
    """Bring it to another stage; `won` and `lost` close it."""
    now = request.app.state.clock()
    return render(await service.move_opportunity(session, opportunity_id, body.stage, now))


class OpportunitiesQuery(PageQuery):
    customer_id: Id | None = None
    owner: Id | None = None
    stage: rules.Stage | None = None


@router.get("/v1/opportunities", dependencies=[Authorized("orders:read")])
async def list_opportunities(
    query: Annotated[OpportunitiesQuery, Query()], session: Session
) -> Page[OpportunityAnswer]:
    """Opportunities, the latest first."""
    wanted = query.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    statement = select(Opportunity).filter_by(**wanted)
    keyset = (Opportunity.opened_at, Opportunity.opportunity_id)
    found, cursor = await fetch_page(session, statement, keyset, query)
    return Page(data=[render(each) for each in found], next_cursor=cursor)


class CommissionsQuery(QueryModel):
    month: Month


class CommissionAnswer(Answer):
    owner: Id
    orders: int
    net: Sum
    commission: Sum
    unpriced: int


class CommissionsAnswer(Answer):
    month: str
    percent: float
    data: list[CommissionAnswer]


@router.get("/v1/commissions", dependencies=[Authorized("orders:read")])
async def get_commissions(
    query: Annotated[CommissionsQuery, Query()], session: Session, request: Request
) -> CommissionsAnswer:
    """What each owner earned in a month by the orders of their quotes, in the base currency."""
    settings = request.app.state.settings

    def money(amount: int) -> Sum:
        return Sum(amount=amount, currency=settings.currency)

    earned = await reports.commissions(session, query.month, settings.commission_percent)
    data = [
        CommissionAnswer(
            owner=each.owner,
            orders=each.orders,
            net=money(each.net),
            commission=money(each.commission),
            unpriced=each.unpriced,
        )
        for each in earned
    ]
    return CommissionsAnswer(month=query.month, percent=settings.commission_percent, data=data)
