"""`GET /v1/stages`: how many customers stand in each stage."""

from fastapi import APIRouter

from perennial_events.catalogue.customers import Stage
from perennial_http import AFTER, Answer, Authorized, Session, TransactionalRoute
from profile_service.stages import service

router = APIRouter(route_class=TransactionalRoute, tags=["stages"])


class StageCount(Answer):
    stage: Stage
    customers: int


class StagesAnswer(Answer):
    data: list[StageCount]


@router.get("/v1/stages", dependencies=[Authorized("profile:read"), AFTER])
async def get_stages(session: Session) -> StagesAnswer:
    """How many customers stand in each stage; stages without customers are left out."""
    counts = await service.count_stages(session)
    return StagesAnswer(
        data=[StageCount(stage=stage, customers=n) for stage, n in sorted(counts.items())]
    )
