"""`/v1/gift-cards`: issue, read, list; and how an order names the cards that it is paid with."""

from datetime import datetime
from typing import Annotated, Any

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import AfterValidator, Field, StringConstraints
from sqlalchemy import select

from orders_service.gift_cards import rules, service
from orders_service.gift_cards.models import EntryKind, GiftCard
from perennial_http import (
    Answer,
    Authorized,
    Body,
    Currency,
    Id,
    Invalid,
    Money,
    Page,
    PageQuery,
    Session,
    SignedMoney,
    Time,
    TransactionalRoute,
    etag,
    fetch_page,
)
from perennial_http.types import MAX_AMOUNT

router = APIRouter(route_class=TransactionalRoute, tags=["gift cards"])

Code = Annotated[
    str, StringConstraints(min_length=1, max_length=40), AfterValidator(rules.read_code)
]
"""A gift card's code, as people type it: in any case, with or without its dashes."""


class SomeMoney(Body):
    """Money, and more than none."""

    amount: Annotated[int, Field(ge=1, le=MAX_AMOUNT, strict=True)]
    currency: Currency


class GiftCardUse(Body):
    """So much of an order is paid with this card."""

    code: Code
    amount: SomeMoney


class GiftCardBody(Body):
    amount: SomeMoney
    customer_id: Id | None = None
    expires_at: Time | None = None


class EntryAnswer(Answer):
    at: Time
    kind: EntryKind
    amount: SignedMoney
    balance: Money
    order_id: Id | None
    return_id: Id | None


class GiftCardAnswer(Answer):
    gift_card_id: Id
    code_end: str
    """The last four characters of the code. The whole of it is told once, when the card is issued."""
    customer_id: Id | None
    amount: Money
    balance: Money
    issued_at: Time
    expires_at: Time | None
    expired: bool


class IssuedAnswer(GiftCardAnswer):
    code: str


class GiftCardWithLedger(GiftCardAnswer):
    ledger: list[EntryAnswer]


def render(card: GiftCard, now: datetime) -> dict[str, Any]:
    """What every answer about a card says."""
    return {
        "gift_card_id": card.gift_card_id,
        "code_end": card.code_end,
        "customer_id": card.customer_id,
        "amount": Money(amount=card.amount, currency=card.currency),
        "balance": Money(amount=card.balance, currency=card.currency),
        "issued_at": card.issued_at,
        "expires_at": card.expires_at,
        "expired": card.expired(now),
    }


@router.post("/v1/gift-cards", status_code=201, dependencies=[Authorized("orders:write")])
async def issue_gift_card(
    body: GiftCardBody, session: Session, request: Request, response: Response
) -> IssuedAnswer:
    """Issue a gift card. Its code is in this answer and nowhere else: only a hash of it is kept."""
    now = request.app.state.clock()
    if body.expires_at is not None and body.expires_at <= now:
        raise Invalid.field("/expires_at", "must be in the future")
    code = service.new_code()
    card = GiftCard(
        gift_card_id=str(uuids.uuid7()),
        code_sha256=rules.code_hash(code),
        code_end=code[-4:],
        customer_id=body.customer_id,
        currency=body.amount.currency,
        amount=body.amount.amount,
        balance=body.amount.amount,
        issued_at=now,
        expires_at=body.expires_at,
    )
    await service.issue(session, card)
    # By its id: addresses end up in the logs of proxies.
    response.headers["Location"] = f"/v1/gift-cards/{card.gift_card_id}"
    response.headers["ETag"] = etag(card.version)
    return IssuedAnswer(**render(card, now), code=rules.written(code))


@router.get("/v1/gift-cards/{code}", dependencies=[Authorized("orders:read")])
async def get_gift_card(
    code: Id, session: Session, request: Request, response: Response
) -> GiftCardWithLedger:
    """A card's balance and all that came onto it and went from it. Takes its code or its id."""
    card = await service.find_card(session, code)
    entries = await service.ledger_of(session, card.gift_card_id)
    response.headers["ETag"] = etag(card.version)
    ledger = [
        EntryAnswer(
            at=entry.at,
            kind=entry.kind,
            amount=SignedMoney(amount=entry.amount, currency=card.currency),
            balance=Money(amount=entry.balance, currency=card.currency),
            order_id=entry.order_id,
            return_id=entry.return_id,
        )
        for entry in entries
    ]
    return GiftCardWithLedger(**render(card, request.app.state.clock()), ledger=ledger)


class GiftCardsQuery(PageQuery):
    customer_id: Id | None = None


@router.get("/v1/gift-cards", dependencies=[Authorized("orders:read")])
async def list_gift_cards(
    query: Annotated[GiftCardsQuery, Query()], session: Session, request: Request
) -> Page[GiftCardAnswer]:
    """Gift cards, the latest issued first."""
    statement = select(GiftCard)
    if query.customer_id is not None:
        statement = statement.where(GiftCard.customer_id == query.customer_id)
    keyset = (GiftCard.issued_at, GiftCard.gift_card_id)
    cards, cursor = await fetch_page(session, statement, keyset, query)
    now = request.app.state.clock()
    return Page(data=[GiftCardAnswer(**render(c, now)) for c in cards], next_cursor=cursor)
