"""`GET /v1/customers/{id}/state`: what the shop knows of a customer right now."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request

from perennial_events.catalogue.customers import Stage
from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    ErasedCustomer,
    Freshness,
    Id,
    Money,
    Session,
    SignedMoney,
    Time,
    TransactionalRoute,
)
from profile_service.errors import UnknownCustomer
from profile_service.state import query
from profile_service.value_model.models import model_of
from profile_service.value_model.rules import History, predict

router = APIRouter(route_class=TransactionalRoute, tags=["state"])


class Rfm(Answer):
    recency_days: int | None
    """Whole days since the last paid order."""
    frequency: int
    """How many paid orders."""
    monetary: Money
    """What they came to, refunds taken off."""
    score: str | None


class OrdersState(Answer):
    """`count` and `gross` are of paid orders that were not cancelled; `net = gross - refunded`."""

    count: int
    gross: Money
    refunded: Money
    net: Money
    margin: SignedMoney
    """`net` less what the goods had cost, where that is known."""
    first_at: Time | None
    last_at: Time | None
    average: Money | None
    returns: int
    late_deliveries: int


class ClicksState(Answer):
    """The anonymous past included, once it is stitched."""

    total: int
    last_30d: int
    last_seen_at: Time | None
    top_categories: list[str]
    carts_abandoned: int


class SupportState(Answer):
    open_cases: int
    complaints: int
    complaints_90d: int
    last_satisfaction: int | None
    recoveries: int


class EngagementState(Answer):
    sent_30d: int = 0
    opened_30d: int = 0
    clicked_30d: int = 0
    last_contacted_at: Time | None = None


class LoyaltyState(Answer):
    points: int = 0
    tier: str | None = None


class PredictionState(Answer):
    """By the value model, seen from the day `as_of`: today, unless the model was fitted as of a past one."""

    p_alive: float
    """The probability that the customer has not stopped; 1 for who bought once (BG/NBD tells no other)."""
    expected_orders_90d: float
    clv_365d: Money
    """Expected spend of the next 365 days, later money discounted; no margin taken."""
    next_order_by: Time | None
    """By when somebody of this rhythm has ordered again in one case of two, if they have not stopped."""
    model: int
    fitted_at: Time
    as_of: date


class StateAnswer(Answer):
    customer_id: Id
    stage: Stage
    value_segment: str | None
    value_tier: str | None
    rfm: Rfm
    orders: OrdersState
    clicks: ClicksState
    support: SupportState
    engagement: EngagementState
    loyalty: LoyaltyState
    cost_to_serve: Money | None
    prediction: PredictionState | None
    price_band: dict[str, tuple[int, int]]
    """By category, the lowest and highest price paid, in minor units of the base currency."""
    flags: list[str]
    freshness: Freshness


def flags_of(row: Any) -> list[str]:
    """What stands out about this customer."""
    flags = {
        "won_back": row.won_back,
        "open_complaint": row.open_cases > 0,
        "late_delivery": row.late_now,
        "order_without_rate": row.unpriced > 0,
    }
    return [flag for flag, holds in flags.items() if holds]


def prediction_of(row: Any, currency: str, now: datetime) -> PredictionState | None:
    """Worked out as it is read: P(alive) falls day by day without an event."""
    if row.model is None:
        return None
    model = model_of(row)
    history = History(row.first_day, row.last_day, row.repeats, row.value_days, row.value_sum)
    day = model.day(now, history.last_day)
    found = predict(model, history, day)
    return PredictionState(
        p_alive=found.p_alive,
        expected_orders_90d=found.expected_orders_90d,
        clv_365d=Money(amount=found.clv_365d, currency=currency),
        next_order_by=found.next_order_by,
        model=model.model,
        fitted_at=model.fitted_at,
        as_of=day,
    )


def render(row: Any, currency: str, now: datetime) -> StateAnswer:
    net = int(row.gross - row.refunded)

    def money(amount: int) -> Money:
        return Money(amount=int(amount), currency=currency)

    return StateAnswer(
        customer_id=row.customer_id,
        stage=row.stage,
        value_segment=None,
        value_tier=None,
        rfm=Rfm(
            recency_days=(now - row.last_order_at).days if row.last_order_at else None,
            frequency=row.order_count,
            monetary=money(net),
            score=None,
        ),
        orders=OrdersState(
            count=row.order_count,
            gross=money(row.gross),
            refunded=money(row.refunded),
            net=money(net),
            margin=SignedMoney(amount=int(net - row.cost), currency=currency),
            first_at=row.first_order_at,
            last_at=row.last_order_at,
            average=money(net // row.order_count) if row.order_count else None,
            returns=row.returns,
            late_deliveries=row.late_deliveries,
        ),
        clicks=ClicksState(
            total=row.clicks,
            last_30d=row.clicks_30d,
            last_seen_at=row.last_seen_at,
            top_categories=row.top_categories,
            carts_abandoned=row.carts_abandoned,
        ),
        support=SupportState(
            open_cases=row.open_cases,
            complaints=row.complaints,
            complaints_90d=row.complaints_90d,
            last_satisfaction=None,
            recoveries=0,
        ),
        engagement=EngagementState(),
        loyalty=LoyaltyState(),
        cost_to_serve=None,
        prediction=prediction_of(row, currency, now),
        price_band=row.price_band or {},
        flags=flags_of(row),
        freshness=Freshness(applied_at=row.applied_at, lag_ms=row.lag_ms or 0),
    )


@router.get("/v1/customers/{customer_id}/state", dependencies=[Authorized("profile:read"), AFTER])
async def get_state(customer_id: Id, session: Session, request: Request) -> StateAnswer:
    """A projection of every topic, as fresh as it says."""
    state = request.app.state
    now = state.clock()
    row = await query.read_state(session, customer_id, now)
    if row is None:
        raise UnknownCustomer(customer_id)
    if row.erased_at is not None:
        raise ErasedCustomer(customer_id)
    return render(row, state.settings.currency, now)
