"""`/v1/recommendations/outcomes` and `/v1/models`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from perennial_http import Answer, Authorized, Body, Id, Session, Time, TransactionalRoute
from recommend_service.live.following import Live
from recommend_service.outcomes import rules, service
from recommend_service.recommendations.rules import WEIGHTS, Placement

router = APIRouter(route_class=TransactionalRoute, tags=["models"])

Weight = Annotated[float, Field(ge=0, le=1)]


class WeightsBody(Body):
    """What each strategy counts for; one that is not named counts for nothing."""

    for_you: Weight = 0.0
    also_bought: Weight = 0.0
    also_viewed: Weight = 0.0
    cross_sell: Weight = 0.0
    up_sell: Weight = 0.0
    repeat: Weight = 0.0
    reactivate: Weight = 0.0
    trending: Weight = 0.0
    new: Weight = 0.0

    def given(self) -> dict[str, float]:
        return {name: weight for name, weight in self.model_dump().items() if weight > 0}


class OutcomeBody(Body):
    sku: Id
    kind: Literal["clicked", "purchased"]
    at: Time | None = None
    """When it happened; by default now."""


class OutcomesBody(Body):
    recommendation_id: Id
    outcomes: Annotated[list[OutcomeBody], Field(min_length=1, max_length=100)]


class OutcomesAnswer(Answer):
    recommendation_id: Id
    stored: int


class RateAnswer(Answer):
    value: float
    low: float
    high: float


class StrategyFigures(Answer):
    placement: str
    strategy: str
    exploring: bool
    """Of answers whose places were drawn, or of those of the blend."""
    shown: int
    clicked: int
    purchased: int
    click_rate: RateAnswer
    purchase_rate: RateAnswer


class HoldoutAnswer(Answer):
    customers: int
    bought: int
    purchase_rate: RateAnswer
    others: int
    others_bought: int
    others_purchase_rate: RateAnswer


class FitAnswer(Answer):
    fit_id: int
    fitted_at: Time
    interactions: int
    seconds: float
    figures: dict[str, Any]


class BlendAnswer(Answer):
    placement: str
    weights: dict[str, float]
    weights_from: str


class ModelsAnswer(Answer):
    fit: FitAnswer | None
    blends: list[BlendAnswer]
    offline: dict[str, Any]
    """What the newest fit foretold of what it had not seen; see `perennial recommend evaluate`."""
    online: list[StrategyFigures]
    holdout: HoldoutAnswer
    update_us: float
    """What the models in this process took to learn from one view, lately."""


class EstimateBody(Body):
    placement: Placement
    weights: WeightsBody


class WorthAnswer(Answer):
    value: float
    low: float
    high: float
    places: int
    effective: float
    running: RateAnswer
    """The same of the blend that runs now, for comparison."""


@router.post("/v1/recommendations/outcomes", dependencies=[Authorized("recommend:write")])
async def post_outcomes(body: OutcomesBody, session: Session, request: Request) -> OutcomesAnswer:
    """Tell what became of an answer: which of its products were clicked or bought.

    What is told twice counts once.
    """
    state = request.app.state
    await state.decisions.write()  # its answer may have left just now
    now = state.clock()
    told = [service.Outcome(each.sku, each.kind, each.at or now) for each in body.outcomes]
    await service.store_outcomes(session, body.recommendation_id, told)
    return OutcomesAnswer(recommendation_id=body.recommendation_id, stored=len(told))


@router.get("/v1/models", dependencies=[Authorized("recommend:read")])
async def get_models(session: Session, request: Request) -> ModelsAnswer:
    """How the strategies fare: what was fitted, what it foretells, and what visitors did, of 30 days."""
    live: Live = request.app.state.live
    now = request.app.state.clock()
    found = await service.figures(session, now)
    held = await service.holdout(session, now)
    fitted = live.fitted
    return ModelsAnswer(
        fit=None if fitted is None else FitAnswer.model_validate(fitted),
        blends=[_blend(live, placement) for placement in WEIGHTS],
        offline={} if fitted is None else fitted.figures.get("offline", {}),
        online=[_figures(*row) for row in found],
        holdout=_holdout(held),
        update_us=round(live.update_us, 1),
    )


@router.post("/v1/models/estimate", dependencies=[Authorized("recommend:write")])
async def estimate_blend(body: EstimateBody, session: Session, request: Request) -> WorthAnswer:
    """What other weights would reach, from the places that were drawn, before they are switched on."""
    now = request.app.state.clock()
    live: Live = request.app.state.live
    found = await service.estimate(session, body.placement, body.weights.given(), now)
    own = _blend(live, body.placement).weights
    running = await service.estimate(session, body.placement, own, now)
    return WorthAnswer(
        value=round(found.value, 6),
        low=round(found.low, 6),
        high=round(found.high, 6),
        places=found.places,
        effective=round(found.effective, 1),
        running=RateAnswer(value=running.value, low=running.low, high=running.high),
    )


@router.put("/v1/models/blends/{placement}", dependencies=[Authorized("recommend:write")])
async def set_blend(
    placement: Placement, body: WeightsBody, session: Session, request: Request
) -> BlendAnswer:
    """Switch a blend on: these weights hold until others are set."""
    weights = body.given()
    await service.set_weights(session, placement, weights, request.app.state.clock())
    return BlendAnswer(placement=placement, weights=weights, weights_from="set")


def _blend(live: Live, placement: Placement) -> BlendAnswer:
    stated: dict[str, float] = {str(name): weight for name, weight in WEIGHTS[placement].items()}
    return BlendAnswer(
        placement=placement,
        weights=live.shop.weights.get(placement, stated),
        weights_from=live.shop.sources.get(placement, "stated"),
    )


def _rate(successes: int, trials: int) -> RateAnswer:
    return RateAnswer.model_validate(rules.rate(successes, trials)._asdict())


def _figures(
    placement: str, strategy: str, exploring: bool, shown: int, clicked: int, purchased: int
) -> StrategyFigures:
    return StrategyFigures(
        placement=placement,
        strategy=strategy,
        exploring=exploring,
        shown=shown,
        clicked=clicked,
        purchased=purchased,
        click_rate=_rate(clicked, shown),
        purchase_rate=_rate(purchased, shown),
    )


def _holdout(found: dict[bool, tuple[int, int]]) -> HoldoutAnswer:
    (customers, bought), (others, others_bought) = found.get(True, (0, 0)), found.get(False, (0, 0))
    return HoldoutAnswer(
        customers=customers,
        bought=bought,
        purchase_rate=_rate(bought, customers),
        others=others,
        others_bought=others_bought,
        others_purchase_rate=_rate(others_bought, others),
    )
