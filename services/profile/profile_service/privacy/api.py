"""`DELETE /v1/customers/{id}`, and how far an erasure has come."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from perennial_http import (
    PERSONAL,
    Answer,
    Authorized,
    Caller,
    Id,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    fetch_page,
)
from profile_service.privacy import service
from profile_service.privacy.models import Erasure

router = APIRouter(route_class=TransactionalRoute, tags=["privacy"])

Status = Literal["pending", "done"]


class StepAnswer(Answer):
    service: str
    status: Status
    done_at: Time | None


class ErasureAnswer(Answer):
    erasure_id: Id
    customer_id: Id
    status: Status
    """`done` once every service is."""
    requested_by: str
    requested_at: Time
    done_at: Time | None
    services: list[StepAnswer]


@router.delete(
    "/v1/customers/{customer_id}",
    status_code=202,
    dependencies=[Authorized("privacy:write"), PERSONAL],
)
async def erase_customer(
    customer_id: Id, session: Session, caller: Caller, request: Request, response: Response
) -> ErasureAnswer:
    """Forget a customer: here at once, in the other services within seconds. There is no way back."""
    now = request.app.state.clock()
    erasure = await service.erase_customer(session, customer_id, caller.key_id, now)
    response.headers["Location"] = f"/v1/erasures/{erasure.erasure_id}"
    return ErasureAnswer.model_validate(erasure)


@router.get("/v1/erasures/{erasure_id}", dependencies=[Authorized("privacy:read")])
async def get_erasure(erasure_id: Id, session: Session) -> ErasureAnswer:
    """Which services hold nothing of the customer any more, and since when."""
    return ErasureAnswer.model_validate(await service.get_erasure(session, erasure_id))


class ErasuresQuery(PageQuery):
    customer_id: Id | None = None


@router.get("/v1/erasures", dependencies=[Authorized("privacy:read")])
async def list_erasures(
    query: Annotated[ErasuresQuery, Query()], session: Session
) -> Page[ErasureAnswer]:
    """Who was erased, the latest first."""
    statement = select(Erasure)
    if query.customer_id is not None:
        statement = statement.where(Erasure.customer_id == query.customer_id)
    erasures, cursor = await fetch_page(session, statement, (Erasure.erasure_id,), query)
    return Page(data=[ErasureAnswer.model_validate(each) for each in erasures], next_cursor=cursor)
