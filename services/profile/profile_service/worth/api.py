"""`GET /v1/value-segments` and `/v1/value-tiers`: how the shop's buyers divide by what they are worth."""

from typing import get_args

from fastapi import APIRouter, Request

from perennial_events.catalogue.customers import ValueSegment, ValueTier
from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    Session,
    SignedMoney,
    TransactionalRoute,
)
from profile_service.worth import service
from profile_service.worth.grading import LARGEST

router = APIRouter(route_class=TransactionalRoute, tags=["worth"])


class SegmentCount(Answer):
    value_segment: ValueSegment
    customers: int
    margin: SignedMoney
    """Of the last 365 days."""


class SegmentsAnswer(Answer):
    data: list[SegmentCount]


class TierCount(Answer):
    value_tier: ValueTier
    customers: int
    margin: SignedMoney
    """Of the last 365 days."""


class TiersAnswer(Answer):
    data: list[TierCount]


def _money(amount: int, currency: str) -> SignedMoney:
    return SignedMoney(amount=max(-LARGEST, min(int(amount), LARGEST)), currency=currency)


@router.get("/v1/value-segments", dependencies=[Authorized("profile:read"), AFTER])
async def get_value_segments(session: Session, request: Request) -> SegmentsAnswer:
    """How many customers stand in each value segment, the best first; empty ones are left out."""
    currency = request.app.state.settings.currency
    order = get_args(ValueSegment)
    counts = await service.count_segments(session)
    return SegmentsAnswer(
        data=[
            SegmentCount(value_segment=segment, customers=n, margin=_money(margin, currency))
            for segment, n, margin in sorted(counts, key=lambda row: order.index(row[0]))
        ]
    )


@router.get("/v1/value-tiers", dependencies=[Authorized("profile:read"), AFTER])
async def get_value_tiers(session: Session, request: Request) -> TiersAnswer:
    """How many customers stand in each value tier, the best first; empty ones are left out."""
    currency = request.app.state.settings.currency
    order = get_args(ValueTier)
    counts = await service.count_tiers(session)
    return TiersAnswer(
        data=[
            TierCount(value_tier=tier, customers=n, margin=_money(margin, currency))
            for tier, n, margin in sorted(counts, key=lambda row: order.index(row[0]))
        ]
    )
