"""`/v1/webhook-endpoints`: their bodies, their answers, their routes."""

from functools import cache
from typing import Annotated

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import select

from engagement_service.errors import ForbiddenUrl
from engagement_service.webhooks import payloads, service
from engagement_service.webhooks.bodies import (
    DeliveriesQuery,
    DeliveryAnswer,
    EndpointAnswer,
    EndpointBody,
    EndpointPatch,
    EventTypeAnswer,
    EventTypesAnswer,
    NewEndpointAnswer,
    ReplayBody,
    ReplayedAnswer,
    RotatedAnswer,
)
from engagement_service.webhooks.models import Delivery, Endpoint
from engagement_service.webhooks.rules import ROTATION
from perennial_events.schemas import example, schema_of
from perennial_http import (
    Authorized,
    Id,
    IfMatch,
    Page,
    PageQuery,
    Session,
    TransactionalRoute,
    check_if_match,
    etag,
    fetch_page,
)
from perennial_webhooks import Forbidden, check_url

router = APIRouter(route_class=TransactionalRoute, tags=["webhooks"])
look, act = [Authorized("webhooks:read")], [Authorized("webhooks:write")]


@router.get("/v1/webhook-event-types", dependencies=look)
async def list_event_types() -> EventTypesAnswer:
    """The events that endpoints can ask for, each with its schema and an example."""
    return _event_types()


@cache
def _event_types() -> EventTypesAnswer:
    found = []
    for name, event in payloads.PARTNER_TYPES.items():
        schema = schema_of(event)
        data = schema["examples"][0]
        message = {"type": name, "timestamp": example({"format": "date-time", "type": "string"})}
        found.append(
            EventTypeAnswer(
                type=name,
                description=schema.get("description", ""),
                data_schema=schema,
                example=message | {"data": data},
            )
        )
    return EventTypesAnswer(data=found)


@router.post("/v1/webhook-endpoints", status_code=201, dependencies=act)
async def create_endpoint(
    body: EndpointBody, session: Session, request: Request, response: Response
) -> NewEndpointAnswer:
    """Send a partner what happens from now on. The secret is shown this once."""
    state = request.app.state
    _check(body.url, request)
    endpoint = Endpoint(
        **body.model_dump(exclude={"endpoint_id"}),
        endpoint_id=body.endpoint_id or str(uuids.uuid7()),
        status="active",
        created_at=state.clock(),
    )
    secret = await service.create_endpoint(session, endpoint, state.sealer, state.clock())
    response.headers["Location"] = f"/v1/webhook-endpoints/{endpoint.endpoint_id}"
    answer = _render(endpoint, response)
    return NewEndpointAnswer(**answer.model_dump(), secret=secret)


def _check(url: str, request: Request) -> None:
    """Raise `ForbiddenUrl` for what is never sent to, as far as the URL alone says it."""
    try:
        check_url(url, allow_loopback=request.app.state.settings.webhooks_allow_loopback)
    except Forbidden as error:
        raise ForbiddenUrl(str(error)) from None


def _render(endpoint: Endpoint, response: Response) -> EndpointAnswer:
    response.headers["ETag"] = etag(endpoint.version)
    return EndpointAnswer.model_validate(endpoint)


@router.get("/v1/webhook-endpoints", dependencies=look)
async def list_endpoints(
    query: Annotated[PageQuery, Query()], session: Session
) -> Page[EndpointAnswer]:
    """Endpoints, the latest first."""
    keyset = (Endpoint.created_at, Endpoint.endpoint_id)
    found, cursor = await fetch_page(session, select(Endpoint), keyset, query)
    return Page(data=[EndpointAnswer.model_validate(each) for each in found], next_cursor=cursor)


@router.get("/v1/webhook-endpoints/{endpoint_id}", dependencies=look)
async def get_endpoint(endpoint_id: Id, session: Session, response: Response) -> EndpointAnswer:
    return _render(await service.get_endpoint(session, endpoint_id), response)


@router.patch("/v1/webhook-endpoints/{endpoint_id}", dependencies=act)
async def change_endpoint(
    endpoint_id: Id,
    body: EndpointPatch,
    session: Session,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> EndpointAnswer:
    """Change where an endpoint is, or what it is sent."""
    if body.url is not None:
        _check(body.url, request)
    endpoint = await service.lock_endpoint(session, endpoint_id)
    check_if_match(if_match, endpoint.version)
    for name, value in body.model_dump(exclude_unset=True).items():
        if value is not None or name == "description":
            setattr(endpoint, name, value)
    await session.flush()
    return _render(endpoint, response)


@router.delete("/v1/webhook-endpoints/{endpoint_id}", status_code=204, dependencies=act)
async def delete_endpoint(endpoint_id: Id, session: Session) -> Response:
    """Forget an endpoint with all that it was sent."""
    await service.delete_endpoint(session, endpoint_id)
    return Response(status_code=204)


@router.post("/v1/webhook-endpoints/{endpoint_id}/rotate", dependencies=act)
async def rotate(
    endpoint_id: Id, session: Session, request: Request, response: Response
) -> RotatedAnswer:
    """A new secret, shown this once. For 24 hours both sign."""
    state = request.app.state
    endpoint, secret = await service.rotate_secret(
        session, endpoint_id, state.sealer, state.clock()
    )
    answer = _render(endpoint, response)
    until = state.clock() + ROTATION
    return RotatedAnswer(**answer.model_dump(), secret=secret, previous_until=until)


@router.post("/v1/webhook-endpoints/{endpoint_id}/pause", dependencies=act)
async def pause(endpoint_id: Id, session: Session, response: Response) -> EndpointAnswer:
    """Send nothing for a while; what comes meanwhile waits."""
    return _render(await service.pause_endpoint(session, endpoint_id), response)


@router.post("/v1/webhook-endpoints/{endpoint_id}/resume", dependencies=act)
async def resume(endpoint_id: Id, session: Session, response: Response) -> EndpointAnswer:
    """Send again, also after it was disabled. What it missed while disabled: `replay`."""
    return _render(await service.resume_endpoint(session, endpoint_id), response)


@router.post("/v1/webhook-endpoints/{endpoint_id}/test", dependencies=act)
async def test(endpoint_id: Id, session: Session, request: Request) -> DeliveryAnswer:
    """Send a message of the type `perennial.webhooks.test.v1`."""
    delivery = await service.send_test(session, endpoint_id, request.app.state.clock())
    return DeliveryAnswer.model_validate(delivery)


@router.post("/v1/webhook-endpoints/{endpoint_id}/replay", dependencies=act)
async def replay(
    endpoint_id: Id, body: ReplayBody, session: Session, request: Request
) -> ReplayedAnswer:
    """Send again: one delivery, or a range of them. Each keeps its `webhook-id`."""
    now = request.app.state.clock()
    if body.delivery_id is not None:
        number = int(body.delivery_id)
        return ReplayedAnswer(
            replayed=await service.replay_delivery(session, endpoint_id, number, now)
        )
    since, until = body.since or now, body.until or now
    count = await service.replay_range(session, endpoint_id, since, until, body.status, now)
    return ReplayedAnswer(replayed=count)


@router.get("/v1/webhook-endpoints/{endpoint_id}/deliveries", dependencies=look)
async def list_deliveries(
    endpoint_id: Id, query: Annotated[DeliveriesQuery, Query()], session: Session
) -> Page[DeliveryAnswer]:
    """What an endpoint was sent, or will be, the latest first."""
    await service.get_endpoint(session, endpoint_id)
    statement = select(Delivery).where(Delivery.endpoint_id == endpoint_id)
    if query.status is not None:
        statement = statement.where(Delivery.status == query.status)
    found, cursor = await fetch_page(session, statement, (Delivery.delivery_id,), query)
    return Page(data=[DeliveryAnswer.model_validate(each) for each in found], next_cursor=cursor)
