"""`/v1/quotes`."""

from datetime import datetime, timedelta
from typing import Annotated

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator
from sqlalchemy import select

from orders_service.orders.lines import (
    LineAnswer,
    LineBody,
    amount_of,
    check_adds_up,
    items_of,
    line_columns,
    render_lines,
)
from orders_service.quotes import rules, service
from orders_service.quotes.models import Quote
from perennial_http import (
    Answer,
    Authorized,
    Body,
    Id,
    Invalid,
    Money,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    etag,
    fetch_page,
)

router = APIRouter(route_class=TransactionalRoute, tags=["company sales"])

VALID_FOR = timedelta(days=30)


class QuoteBody(Body):
    quote_id: Id | None = None
    customer_id: Id
    opportunity_id: Id | None = None
    owner: Id
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=500)]
    discount: Money | None = None
    shipping: Money | None = None
    valid_until: Time | None = None
    """Thirty days from now where it is not said."""

    @model_validator(mode="after")
    def _adds_up(self) -> "QuoteBody":
        check_adds_up(self.lines, self.discount, self.shipping)
        return self

    def quote(self, now: datetime) -> Quote:
        """A new quote as this body describes it."""
        return Quote(
            quote_id=self.quote_id or str(uuids.uuid7()),
            customer_id=self.customer_id,
            opportunity_id=self.opportunity_id,
            owner=self.owner,
            status="draft",
            currency=self.lines[0].unit_price.currency,
            lines=line_columns(self.lines),
            items=items_of(self.lines),
            discount=amount_of(self.discount),
            shipping=amount_of(self.shipping),
            valid_until=self.valid_until or now + VALID_FOR,
            created_at=now,
        )


class QuoteAnswer(Answer):
    quote_id: Id
    customer_id: Id
    opportunity_id: Id | None
    owner: Id
    status: rules.Status
    lines: list[LineAnswer]
    items: Money
    discount: Money
    shipping: Money
    total: Money
    valid_until: Time
    order_id: Id | None
    """The order that came of it."""
    created_at: Time
    sent_at: Time | None
    decided_at: Time | None


def render(quote: Quote) -> QuoteAnswer:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=quote.currency)

    return QuoteAnswer(
        quote_id=quote.quote_id,
        customer_id=quote.customer_id,
        opportunity_id=quote.opportunity_id,
        owner=quote.owner,
        status=quote.status,
        lines=render_lines(quote.lines, quote.currency),
        items=money(quote.items),
        discount=money(quote.discount),
        shipping=money(quote.shipping),
        total=money(quote.total),
        valid_until=quote.valid_until,
        order_id=quote.order_id,
        created_at=quote.created_at,
        sent_at=quote.sent_at,
        decided_at=quote.decided_at,
    )


@router.post("/v1/quotes", status_code=201, dependencies=[Authorized("orders:write")])
async def create_quote(
    body: QuoteBody, session: Session, request: Request, response: Response
) -> QuoteAnswer:
    """Draft an offer to a company."""
    now = request.app.state.clock()
    if body.valid_until is not None and body.valid_until <= now:
        raise Invalid.field("/valid_until", "must be in the future")
    quote = body.quote(now)
    await service.create_quote(session, quote)
    response.headers["Location"] = f"/v1/quotes/{quote.quote_id}"
    response.headers["ETag"] = etag(quote.version)
    return render(quote)


VERBS = {
    "send": service.send_quote,
    "accept": service.accept_quote,
    "decline": service.decline_quote,
}


@router.post("/v1/quotes/{quote_id}/{action}", dependencies=[Authorized("orders:write")])
async def act_on_quote(
    quote_id: Id, action: rules.Verb, session: Session, request: Request
) -> QuoteAnswer:
    """Send, accept or decline a quote. Accepting places its order, once."""
    state = request.app.state
    return render(await VERBS[action](session, quote_id, state.settings.currency, state.clock()))


@router.get("/v1/quotes/{quote_id}", dependencies=[Authorized("orders:read")])
async def get_quote(quote_id: Id, session: Session, response: Response) -> QuoteAnswer:
    quote = await service.get_quote(session, quote_id)
    response.headers["ETag"] = etag(quote.version)
    return render(quote)


class QuotesQuery(PageQuery):
    customer_id: Id | None = None
    status: rules.Status | None = None
    owner: Id | None = None


@router.get("/v1/quotes", dependencies=[Authorized("orders:read")])
async def list_quotes(
    query: Annotated[QuotesQuery, Query()], session: Session
) -> Page[QuoteAnswer]:
    """Quotes, the latest first."""
    wanted = query.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    statement = select(Quote).filter_by(**wanted)
    keyset = (Quote.created_at, Quote.quote_id)
    quotes, cursor = await fetch_page(session, statement, keyset, query)
    return Page(data=[render(quote) for quote in quotes], next_cursor=cursor)
