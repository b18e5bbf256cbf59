"""`GET /v1/customers/{id}/state`: what the shop knows of a customer right now."""

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic_core import from_json

from perennial_events.catalogue.customers import Stage, ValueSegment, ValueTier
from perennial_events.values import MAX_AMOUNT
from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    ErasedCustomer,
    Freshness,
    Id,
    Money,
    SignedMoney,
    Time,
    TransactionalRoute,
)
from profile_service.errors import UnknownCustomer
from profile_service.value_model.models import model_of
from profile_service.value_model.rules import History, predict
from profile_service.worth import rules as worth

router = APIRouter(route_class=TransactionalRoute, tags=["state"])


class Rfm(Answer):
    recency_days: int | None
    """Whole days since the last paid order."""
    frequency: int
    """How many paid orders."""
    monetary: Money
    """What they came to, refunds taken off."""
    score: str | None
    """Three digits, 5 the best: which fifth of the shop's buyers they stand in by each of the three."""


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
    """From 1 to 5: of the last review, or the last survey that asked for it."""
    recoveries: int
    """How often the shop made good for a failure."""


class EngagementState(Answer):
    """Messages of the last 30 days; one that is opened twice is opened."""

    sent_30d: int
    opened_30d: int
    clicked_30d: int
    last_contacted_at: Time | None


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
    value_segment: ValueSegment | None
    value_tier: ValueTier | None
    """Neither is there before the first paid order; what they mean stands in `worth/grading.py`."""
    rfm: Rfm
    orders: OrdersState
    clicks: ClicksState
    support: SupportState
    engagement: EngagementState
    loyalty: LoyaltyState
    cost_to_serve: Money
    """Cases, returns and messages of the last 365 days, at what the shop says that they cost."""
    prediction: PredictionState | None
    price_band: dict[str, tuple[int, int]]
    """By category, the lowest and highest price paid, in minor units of the base currency."""
    flags: list[str]
    freshness: Freshness


def flags_of(row: Any) -> list[str]:
    """What stands out about this customer."""
    year = worth.Year(
        row.orders_365d, row.gross_365d, row.refunded_365d, row.returns_365d, row.complaints_365d
    )
    trend = worth.trend(row.margin_recent, row.margin_before)
    flags = {
        "problem_customer": worth.is_problem(year),
        "value_rising": trend > 0,
        "value_falling": trend < 0,
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
    margin = max(-MAX_AMOUNT, min(int(row.margin), MAX_AMOUNT))

    def money(amount: int) -> Money:
        return Money(amount=max(0, min(int(amount), MAX_AMOUNT)), currency=currency)

    return StateAnswer(
        customer_id=row.customer_id,
        stage=row.stage,
        value_segment=row.value_segment,
        value_tier=row.value_tier,
        rfm=Rfm(
            recency_days=(now - row.last_order_at).days if row.last_order_at else None,
            frequency=row.order_count,
            monetary=money(net),
            score=row.score,
        ),
        orders=OrdersState(
            count=row.order_count,
            gross=money(row.gross),
            refunded=money(row.refunded),
            net=money(net),
            margin=SignedMoney(amount=margin, currency=currency),
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
            last_satisfaction=row.last_satisfaction,
            recoveries=row.recoveries,
        ),
        engagement=EngagementState(
            sent_30d=row.sent_30d,
            opened_30d=row.opened_30d,
            clicked_30d=row.clicked_30d,
            last_contacted_at=row.last_contacted_at,
        ),
        loyalty=LoyaltyState(),
        cost_to_serve=money(row.cost_to_serve),
        prediction=prediction_of(row, currency, now),
        price_band=from_json(row.price_band or "{}"),
        flags=flags_of(row),
        freshness=Freshness(applied_at=row.applied_at, lag_ms=row.lag_ms or 0),
    )


@router.get("/v1/customers/{customer_id}/state", dependencies=[Authorized("profile:read"), AFTER])
async def get_state(customer_id: Id, request: Request) -> StateAnswer:
    """A projection of every topic, as fresh as it says."""
    state = request.app.state
    row = await state.states.read(customer_id)
    if row is None:
        raise UnknownCustomer(customer_id)
    if row.erased_at is not None:
        raise ErasedCustomer(customer_id)
    return render(row, state.settings.currency, state.clock())
