"""`/v1/recommendations`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field

from perennial_http import (
    AFTER,
    Answer,
    Authorized,
    Freshness,
    Id,
    QueryModel,
    Session,
    TransactionalRoute,
)
from recommend_service.recommendations import rules, service

router = APIRouter(route_class=TransactionalRoute, tags=["recommendations"])


class RecommendationsQuery(QueryModel):
    placement: rules.Placement = "home"
    """Where the answer is shown: it decides which strategies fill it up, in which order."""
    customer_id: Id | None = None
    anonymous_id: Id | None = None
    sku: Annotated[list[Id], Field(max_length=30, default_factory=list)]
    """What is looked at, or lies in the cart (repeat the parameter for several products)."""
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    strategy: Annotated[
        str | None, Field(max_length=64, json_schema_extra={"enum": list(rules.STRATEGIES)})
    ] = None
    """Ask this strategy alone."""


class RecommendationAnswer(Answer):
    sku: Id
    score: float
    """Comparable within one strategy only."""
    strategy: rules.Strategy
    because: tuple[Id, ...]
    """The products that led to it, the strongest reason first; none for what everybody wants."""


class ModelAnswer(Answer):
    name: str
    strategies: tuple[rules.Strategy, ...]
    """Those that can be asked for."""


class RecommendationsAnswer(Answer):
    data: list[RecommendationAnswer]
    model: ModelAnswer
    freshness: Freshness


MODEL = ModelAnswer(name="counts", strategies=rules.STRATEGIES)


@router.get("/v1/recommendations", dependencies=[Authorized("recommend:read"), AFTER])
async def get_recommendations(
    query: Annotated[RecommendationsQuery, Query()], session: Session, request: Request
) -> RecommendationsAnswer:
    """What to offer this visitor here. Never what is unavailable, nor what they bought or gave back.

    Without `sku`, the answer starts from what the visitor last viewed and bought.
    """
    state = request.app.state
    asked = service.Asked(
        customer_id=query.customer_id,
        anonymous_id=query.anonymous_id,
        skus=query.sku,
        strategies=rules.strategies_of(query.placement, query.strategy),
        limit=query.limit,
    )
    # Who asks for an event's effect gets it, on what everybody wants too.
    anew = "perennial-after" in request.headers
    top = (
        await state.trending.top(session, state.clock(), anew=anew)
        if rules.TRENDING in asked.strategies
        else []
    )
    found, visitor = await service.recommend(session, asked, top, state.settings.minimum_support)
    return RecommendationsAnswer(
        data=[RecommendationAnswer.model_validate(each) for each in found],
        model=MODEL,
        freshness=Freshness(applied_at=visitor.applied_at, lag_ms=max(0, visitor.lag_ms)),
    )
