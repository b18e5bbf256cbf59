"""Returns: `/v1/orders/{id}/returns` and what follows."""

from typing import Annotated, Any

import uuid_utils.compat as uuids
from fastapi import APIRouter, Request, Response
from pydantic import Field

from orders_service.returns import rules, service
from orders_service.returns.models import Kind, Return
from perennial_http import (
    PERSONAL,
    Answer,
    Authorized,
    Body,
    Id,
    Quantity,
    Session,
    Time,
    TransactionalRoute,
    etag,
)

router = APIRouter(route_class=TransactionalRoute, tags=["returns"])


class ReturnLineBody(Body):
    sku: Id
    quantity: Quantity


class ReturnBody(Body):
    kind: Kind
    lines: Annotated[list[ReturnLineBody], Field(min_length=1, max_length=500)]
    reason: Annotated[str, Field(min_length=1, max_length=2000)]


class ReturnAnswer(Answer):
    return_id: Id
    order_id: Id
    customer_id: Id
    kind: Kind
    reason: str
    lines: list[dict[str, Any]]
    status: rules.Status
    amount: int
    """What was refunded as money, in minor units of the order's currency."""
    to_gift_cards: int
    """What went back to the gift cards that the order was paid with, likewise."""
    requested_at: Time
    decided_at: Time | None
    received_at: Time | None
    refunded_at: Time | None


class ReturnsAnswer(Answer):
    data: list[ReturnAnswer]


@router.post(
    "/v1/orders/{order_id}/returns",
    status_code=201,
    dependencies=[Authorized("orders:write"), PERSONAL],
)
async def request_return(
    order_id: Id, body: ReturnBody, session: Session, request: Request, response: Response
) -> ReturnAnswer:
    """Announce goods to come back; soon after delivery this needs nobody's approval."""
    state = request.app.state
    wanted = Return(
        return_id=str(uuids.uuid7()),
        order_id=order_id,
        kind=body.kind,
        reason=body.reason,
        lines=[line.model_dump() for line in body.lines],
        status="requested",
        amount=0,
        to_gift_cards=0,
        requested_at=state.clock(),
    )
    days = state.settings.return_window_days
    await service.request_return(session, wanted, days)
    response.headers["Location"] = f"/v1/returns/{wanted.return_id}"
    return ReturnAnswer.model_validate(wanted)


@router.get("/v1/orders/{order_id}/returns", dependencies=[Authorized("orders:read"), PERSONAL])
async def list_returns(order_id: Id, session: Session) -> ReturnsAnswer:
    """The returns of an order, as they were announced."""
    found = await service.returns_of(session, order_id)
    return ReturnsAnswer(data=[ReturnAnswer.model_validate(each) for each in found])


@router.get("/v1/returns/{return_id}", dependencies=[Authorized("orders:read"), PERSONAL])
async def get_return(return_id: Id, session: Session, response: Response) -> ReturnAnswer:
    found = await service.get_return(session, return_id)
    response.headers["ETag"] = etag(found.version)
    return ReturnAnswer.model_validate(found)


VERBS = {
    "approve": service.approve,
    "reject": service.reject,
    "receive": service.receive,
    "refund": service.refund,
}


@router.post(
    "/v1/returns/{return_id}/{action}", dependencies=[Authorized("orders:write"), PERSONAL]
)
async def act_on_return(
    return_id: Id, action: rules.Action, session: Session, request: Request
) -> ReturnAnswer:
    """Approve, reject, receive or refund a return."""
    changed = await VERBS[action](session, return_id, request.app.state.clock())
    return ReturnAnswer.model_validate(changed)
