"""The verbs of quotes."""

from datetime import datetime

import uuid_utils.compat as uuids
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import QuoteExists, UnknownQuote
from orders_service.opportunities.service import check_opportunity, win_opportunity
from orders_service.orders.models import Order
from orders_service.orders.service import place_order
from orders_service.quotes.models import Quote
from perennial_events import emit

EXPIRED_AT_ONCE = 200


async def create_quote(session: AsyncSession, quote: Quote) -> None:
    """Keep a new quote, as a draft. Raises `QuoteExists`, and `Invalid` for an unknown opportunity."""
    if quote.opportunity_id is not None:
        await check_opportunity(session, quote.opportunity_id, "/opportunity_id")
    session.add(quote)
    try:
        await session.flush()
    except IntegrityError:
        raise QuoteExists(quote.quote_id) from None
    emit(session, *quote.create(), at=quote.created_at)


async def get_quote(session: AsyncSession, quote_id: str) -> Quote:
    quote = await session.get(Quote, quote_id)
    if quote is None:
        raise UnknownQuote(quote_id)
    return quote


async def send_quote(session: AsyncSession, quote_id: str, _base: str, now: datetime) -> Quote:
    quote = await _lock(session, quote_id)
    emit(session, *quote.send(now), at=now)
    return quote


async def accept_quote(session: AsyncSession, quote_id: str, base: str, now: datetime) -> Quote:
    """The company takes the offer: this places the order, once, and wins the opportunity."""
    quote = await _lock(session, quote_id)
    order = _order_of(quote, now)
    # First: its row must be there before the quote's names it. A quote that refuses undoes it.
    await place_order(session, order, base, now)
    emit(session, *quote.accept(order.order_id, now), at=now)
    if quote.opportunity_id is not None:
        await win_opportunity(session, quote.opportunity_id, quote.total, quote.currency, now)
    return quote


async def decline_quote(session: AsyncSession, quote_id: str, _base: str, now: datetime) -> Quote:
    quote = await _lock(session, quote_id)
    emit(session, *quote.decline(now), at=now)
    return quote


async def expire_quotes(session: AsyncSession, now: datetime) -> int:
    """Close quotes whose time is over; return how many there were."""
    rows = await session.scalars(
        select(Quote)
        .where(Quote.status.in_(("draft", "sent")), Quote.valid_until <= now)
        .order_by(Quote.valid_until)
        .limit(EXPIRED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    quotes = rows.all()
    for quote in quotes:
        emit(session, *quote.expire(), at=quote.valid_until)
    return len(quotes)


async def _lock(session: AsyncSession, quote_id: str) -> Quote:
    quote = await session.get(Quote, quote_id, with_for_update=True)
    if quote is None:
        raise UnknownQuote(quote_id)
    return quote


def _order_of(quote: Quote, now: datetime) -> Order:
    return Order(
        order_id=str(uuids.uuid7()),
        customer_id=quote.customer_id,
        status="placed",
        channel="quote",
        currency=quote.currency,
        lines=[dict(line) for line in quote.lines],
        items=quote.items,
        discount=quote.discount,
        shipping=quote.shipping,
        gift_cards=0,
        gift_cards_refunded=0,
        placed_at=now,
        paid=0,
        refunded=0,
        base_refunded=0,
    )
