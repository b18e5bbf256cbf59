"""`/v1/recommendations`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import Field

from perennial_http import AFTER, Answer, Authorized, Freshness, Id, QueryModel, ServiceRoute
from recommend_service.errors import ModelsLoading
from recommend_service.live.following import Live
from recommend_service.recommendations import rules
from recommend_service.recommendations.service import Recommender
from recommend_service.strategies.offers import STRATEGIES, Strategy

LOADING_SECONDS = 2.0
"""A request that comes while the service starts waits for so long."""

router = APIRouter(route_class=ServiceRoute, tags=["recommendations"])


class RecommendationsQuery(QueryModel):
    placement: rules.Placement = "home"
    """Where the answer is shown: it decides which strategies fill it up, with what weights."""
    customer_id: Id | None = None
    anonymous_id: Id | None = None
    sku: Annotated[list[Id], Field(max_length=30, default_factory=list)]
    """What is looked at, or lies in the cart (repeat the parameter for several products)."""
    segment: Annotated[list[Id], Field(max_length=30, default_factory=list)]
    """The visitor's segments, for rules that hold for some only."""
    limit: Annotated[int, Field(ge=1, le=50)] = 10
    strategy: Annotated[
        str | None, Field(max_length=64, json_schema_extra={"enum": list(STRATEGIES)})
    ] = None
    """Ask this strategy alone."""


class RecommendationAnswer(Answer):
    sku: Id
    score: float
    """Comparable within one answer only."""
    strategy: Strategy
    because: tuple[Id, ...]
    """The products that led to it, the strongest reason first; none for what everybody wants."""


class ModelAnswer(Answer):
    name: str
    version: int
    """Of the fitted part, which is refitted now and then; the rest follows every event."""
    weights: dict[str, float]
    """What each strategy's scores count for here."""
    weights_from: str
    """`stated` in the product, `learnt` from outcomes, or `set` by hand."""
    exploring: bool
    """Whether the places of this answer were drawn, to learn from."""
    holdout: bool
    """Whether this visitor is never recommended anything, for comparison."""


class RecommendationsAnswer(Answer):
    recommendation_id: UUID
    """What `POST /v1/recommendations/outcomes` refers to."""
    data: list[RecommendationAnswer]
    model: ModelAnswer
    freshness: Freshness


@router.get("/v1/recommendations", dependencies=[Authorized("recommend:read"), AFTER])
async def get_recommendations(
    query: Annotated[RecommendationsQuery, Query()], request: Request
) -> RecommendationsAnswer:
    """What to offer this visitor here.

    Never what is unavailable, what they just bought (unless due again), gave back or complained of.
    Without `sku`, the answer starts from what the visitor last viewed and bought.
    """
    live: Live = request.app.state.live
    recommender: Recommender = request.app.state.recommender
    if not await live.wait_ready(LOADING_SECONDS):
        raise ModelsLoading
    # Who asks for an event's effect gets it.
    if "perennial-after" in request.headers:
        await live.catch_up()
    decision, chosen = recommender.recommend(
        placement=query.placement,
        customer_id=query.customer_id,
        anonymous_id=query.anonymous_id,
        skus=query.sku,
        segments=frozenset(query.segment),
        strategy=query.strategy,
        limit=query.limit,
        at=request.app.state.clock(),
    )
    weights = rules.strategies_of(query.placement, query.strategy, live.shop.weights)
    return RecommendationsAnswer(
        recommendation_id=decision.decision_id,
        data=[
            RecommendationAnswer.model_construct(
                sku=each.sku, score=each.score, strategy=each.strategy, because=each.because
            )
            for each in chosen
        ],
        model=ModelAnswer(
            name="blend" if query.strategy is None else query.strategy,
            version=0 if live.fitted is None else live.fitted.fit_id,
            weights={name: round(weight, 4) for name, weight in weights.items()},
            weights_from=live.shop.sources.get(query.placement, "stated"),
            exploring=decision.exploring,
            holdout=decision.holdout,
        ),
        freshness=Freshness(applied_at=live.applied_at, lag_ms=live.lag_ms),
    )
