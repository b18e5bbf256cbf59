"""`/v1/orders`: their bodies, their answers, their routes."""

from datetime import datetime
from typing import Annotated

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, model_validator
from sqlalchemy import select

from orders_service.gift_cards.api import GiftCardUse
from orders_service.gift_cards.service import Use
from orders_service.orders import rules, service
from orders_service.orders.lines import (
    LineAnswer,
    LineBody,
    amount_of,
    check_adds_up,
    items_of,
    line_columns,
    render_lines,
)
from orders_service.orders.models import Order
from orders_service.orders.totals import shop_totals
from orders_service.sums import Sum
from perennial_events.identities import identities_of
from perennial_events.values import Code
from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    Body,
    Id,
    Money,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    etag,
    fetch_page,
)

router = APIRouter(route_class=TransactionalRoute, tags=["orders"])


class OrderBody(Body):
    order_id: Id | None = None
    customer_id: Id
    store: Code | None = None
    channel: Code | None = None
    lines: Annotated[list[LineBody], Field(min_length=1, max_length=500)]
    discount: Money | None = None
    shipping: Money | None = None
    coupon: Code | None = None
    gift_cards: Annotated[list[GiftCardUse] | None, Field(max_length=20)] = None
    placed_at: Time | None = None

    @model_validator(mode="after")
    def _adds_up(self) -> "OrderBody":
        total = check_adds_up(self.lines, self.discount, self.shipping)
        if {use.amount.currency for use in self.gift_cards or ()} - {self.currency}:
            raise ValueError("all amounts of an order must be in one currency")
        if self.from_gift_cards() > total:
            raise ValueError("the gift cards must not pay more than the order comes to")
        if len({use.code for use in self.gift_cards or ()}) < len(self.gift_cards or ()):
            raise ValueError("a gift card must be named once")
        return self

    def from_gift_cards(self) -> int:
        return sum(use.amount.amount for use in self.gift_cards or ())

    @property
    def currency(self) -> str:
        return self.lines[0].unit_price.currency

    def order(self, now: datetime) -> Order:
        """A new order as this body describes it."""
        return Order(
            order_id=self.order_id or str(uuids.uuid7()),
            customer_id=self.customer_id,
            status="placed",
            store=self.store,
            channel=self.channel,
            coupon=self.coupon,
            currency=self.currency,
            lines=line_columns(self.lines),
            items=items_of(self.lines),
            discount=amount_of(self.discount),
            shipping=amount_of(self.shipping),
            gift_cards=self.from_gift_cards(),
            gift_cards_refunded=0,
            placed_at=self.placed_at or now,
            paid=0,
            refunded=0,
            base_refunded=0,
        )

    def uses(self, order: Order, at: datetime) -> list[Use]:
        """What the order takes from which gift card."""
        return [
            Use(
                order.order_id,
                order.customer_id,
                order.currency,
                place,
                use.code,
                use.amount.amount,
                at,
            )
            for place, use in enumerate(self.gift_cards or ())
        ]


class TotalsAnswer(Answer):
    """`items - discount + shipping - gift_cards = due`."""

    items: Money
    discount: Money
    shipping: Money
    gift_cards: Money
    due: Money
    paid: Money
    refunded: Money


class OrderAnswer(Answer):
    order_id: Id
    customer_id: Id
    """Who answers to the order's customer today, where they were merged since."""
    status: rules.Status
    store: str | None
    channel: str | None
    coupon: str | None
    lines: list[LineAnswer]
    totals: TotalsAnswer
    gift_cards_refunded: Money
    """What went back to the gift cards; `totals.refunded` is what went back as money."""
    placed_at: Time
    paid_at: Time | None
    delivered_at: Time | None
    completed_at: Time | None
    cancelled_at: Time | None


def render(order: Order) -> OrderAnswer:
    def money(amount: int) -> Money:
        return Money(amount=amount, currency=order.currency)

    return OrderAnswer(
        order_id=order.order_id,
        customer_id=order.survivor_id,
        status=order.status,
        store=order.store,
        channel=order.channel,
        coupon=order.coupon,
        lines=render_lines(order.lines, order.currency),
        totals=TotalsAnswer(
            **{name: money(amount) for name, amount in order.totals._asdict().items()}
        ),
        gift_cards_refunded=money(order.gift_cards_refunded),
        placed_at=order.placed_at,
        paid_at=order.paid_at,
        delivered_at=order.delivered_at,
        completed_at=order.completed_at,
        cancelled_at=order.cancelled_at,
    )


@router.post("/v1/orders", status_code=201, dependencies=[Authorized("orders:write")])
async def place_order(
    body: OrderBody, session: Session, request: Request, response: Response
) -> OrderAnswer:
    """Place an order. Customers and products that are not known yet are made by it."""
    state = request.app.state
    now = state.clock()
    order = body.order(now)
    await service.place_order(session, order, state.settings.currency, now, body.uses(order, now))
    response.headers["Location"] = f"/v1/orders/{order.order_id}"
    response.headers["ETag"] = etag(order.tag)
    return render(order)


@router.post("/v1/orders/{order_id}/pay", dependencies=[Authorized("orders:write")])
async def pay_order(order_id: Id, session: Session, request: Request) -> OrderAnswer:
    """All that is due is paid."""
    return render(await service.pay_order(session, order_id, request.app.state.clock()))


@router.post("/v1/orders/{order_id}/cancel", dependencies=[Authorized("orders:write")])
async def cancel_order(order_id: Id, session: Session, request: Request) -> OrderAnswer:
    """Call the order off, before it ships; what was paid goes back."""
    return render(await service.cancel_order(session, order_id, request.app.state.clock()))


@router.post("/v1/orders/{order_id}/complete", dependencies=[Authorized("orders:write")])
async def complete_order(order_id: Id, session: Session, request: Request) -> OrderAnswer:
    """Nothing more is to come."""
    return render(await service.complete_order(session, order_id, request.app.state.clock()))


class ShopTotalsAnswer(Answer):
    orders: int
    cancelled: int
    customers: int
    gross: Sum
    refunded: Sum
    net: Sum
    returns: int
    unpriced: int


@router.get("/v1/totals", dependencies=[Authorized("orders:read")])
async def get_totals(session: Session, request: Request) -> ShopTotalsAnswer:
    """What all orders add up to, in the base currency."""
    currency = request.app.state.settings.currency
    sums = (await shop_totals(session))._asdict()
    for name in ("gross", "refunded", "net"):
        sums[name] = Sum(amount=sums[name], currency=currency)
    return ShopTotalsAnswer(**sums)


@router.get("/v1/orders/{order_id}", dependencies=[Authorized("orders:read")])
async def get_order(order_id: Id, session: Session, response: Response) -> OrderAnswer:
    order = await service.get_order(session, order_id)
    response.headers["ETag"] = etag(order.tag)
    return render(order)


class OrdersQuery(PageQuery):
    customer_id: Id | None = None
    status: rules.Status | None = None


@router.get("/v1/orders", dependencies=[Authorized("orders:read"), AFTER])
async def list_orders(
    query: Annotated[OrdersQuery, Query()], session: Session
) -> Page[OrderAnswer]:
    """Orders, the latest placed first; a customer's include those of whoever was merged into them."""
    statement = select(Order)
    if query.customer_id is not None:
        identities = await identities_of(session, query.customer_id)
        statement = statement.where(Order.customer_id.in_(identities))
    if query.status is not None:
        statement = statement.where(Order.status == query.status)
    orders, cursor = await fetch_page(session, statement, (Order.placed_at, Order.order_id), query)
    return Page(data=[render(order) for order in orders], next_cursor=cursor)
