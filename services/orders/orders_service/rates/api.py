"""`PUT /v1/rates/{day}`: the operator's exchange rates."""

from datetime import date
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Request
from pydantic import Field

from orders_service.orders.pricing import price_late_orders
from orders_service.rates import service
from perennial_http import Authorized, Body, Currency, Session, TransactionalRoute

router = APIRouter(route_class=TransactionalRoute, tags=["rates"])

RateNumber = Annotated[Decimal, Field(gt=0, lt=10**9, max_digits=20, decimal_places=10)]


class RatesBody(Body):
    rates: Annotated[dict[Currency, RateNumber], Field(min_length=1, max_length=200)]
    """How many units of the base currency one unit of each currency is worth."""


@router.put("/v1/rates/{day}", status_code=204, dependencies=[Authorized("orders:write")])
async def put_rates(day: date, body: RatesBody, session: Session, request: Request) -> None:
    """Set the rates of a day. Orders take the latest of the seven days up to their own.

    Orders that came before their rate are priced by it: some hundreds at once, the rest soon after.
    """
    state = request.app.state
    now = state.clock()
    await service.load_rates(session, day, body.rates, now)
    await price_late_orders(session, state.settings.currency, now)
