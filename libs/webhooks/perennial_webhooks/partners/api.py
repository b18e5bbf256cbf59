"""`/v1/partners`: configured by the operator, spoken to by the partners themselves."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Query, Response
from fastapi import Request as HttpRequest
from pydantic import Field, StringConstraints, model_validator
from pydantic_core import to_json
from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Table, Text, select
from starlette.concurrency import run_in_threadpool

from perennial_http import (
    PUBLIC,
    Answer,
    Authorized,
    Body,
    FreeForm,
    Id,
    IfMatch,
    Invalid,
    Page,
    PageQuery,
    ServiceRoute,
    Session,
    Time,
    TransactionalRoute,
    check_if_match,
    etag,
    fetch_page,
    runtime_of,
)
from perennial_webhooks.expressions import DoesNotMap, MappingIsWrong
from perennial_webhooks.mapping import read_mapping
from perennial_webhooks.partners import receiving
from perennial_webhooks.partners.commands import Commands
from perennial_webhooks.partners.registry import NATIVE, Partner, Registry, forget
from perennial_webhooks.sealing import Sealer
from perennial_webhooks.verification import Encoding, Scheme, Verification

AdapterName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
ParkedId = Annotated[int, Field(ge=1, le=2**63 - 1)]

_TABLES = MetaData()
_PARTNERS = Table("partners", _TABLES, Column("partner", Text, primary_key=True))
_PARKED = Table(
    "partner_parked",
    _TABLES,
    Column("id", BigInteger, primary_key=True),
    Column("partner", Text),
    Column("webhook_id", Text),
    Column("reason", Text),
    Column("attempts", Integer),
    Column("parked_at", DateTime(timezone=True)),
)


class PartnerBody(Body):
    """Who the partner is and how it speaks; without adapter and mapping it speaks our own language."""

    adapter: AdapterName | None = None
    mapping: FreeForm | None = None
    """See the guide: from the partner's JSON to our commands."""
    verification: Verification

    @model_validator(mode="after")
    def _one_language(self) -> Self:
        if self.adapter is not None and self.mapping is not None:
            raise ValueError("takes an adapter or a mapping, not both")
        return self


class VerificationAnswer(Answer):
    scheme: Scheme
    header: str | None = None
    encoding: Encoding | None = None
    prefix: str | None = None


class PartnerAnswer(Answer):
    partner: Id
    adapter: str | None
    mapping: dict[str, Any] | None
    verification: VerificationAnswer
    changed_at: Time


class PartnersAnswer(Answer):
    partner: Id


class ReceivedAnswer(Answer):
    status: receiving.Became
    webhook_id: str
    reason: str | None = None
    """Why it was parked."""


class ParkedAnswer(Answer):
    id: int
    webhook_id: str
    reason: str
    attempts: int
    parked_at: Time


class RehearsalBody(Body):
    headers: FreeForm = Field(default_factory=dict)
    payload: FreeForm


class RehearsalAnswer(Answer):
    """What a payload would do."""

    commands: list[dict[str, Any]]
    events: list[dict[str, Any]]
    reason: str | None
    """Why it would be parked, if so."""


def partners(service: str, commands: Commands, secret_key: str | None) -> APIRouter:
    """The routes by which one service hears partners: what they may ask for are `commands`."""
    registry = Registry(service, commands, Sealer(secret_key))
    router = APIRouter(prefix="/v1/partners", route_class=TransactionalRoute, tags=["partners"])
    _add_configuration(router, registry)
    _add_receiving(router, registry)
    _add_parked(router, registry)
    return router


LOOK, ACT = [Authorized("partners:read")], [Authorized("partners:write")]


def _render(partner: Partner, response: Response) -> PartnerAnswer:
    response.headers["ETag"] = etag(partner.version)
    return PartnerAnswer.model_validate(partner.shown())


def _add_configuration(router: APIRouter, registry: Registry) -> None:
    @router.put("/{partner}", dependencies=ACT)
    async def put_partner(
        partner: Id,
        body: PartnerBody,
        session: Session,
        request: HttpRequest,
        response: Response,
        if_match: IfMatch = None,
    ) -> PartnerAnswer:
        """Make a partner known, or change it. Its secret is sealed, and never shown again."""
        if body.mapping is not None:
            await _check_mapping(body.mapping, registry)
        known = await registry.find(session, partner)
        if known is None:
            check_if_match(if_match, 0)
        else:
            check_if_match(if_match, (await registry.get(session, partner, lock=True)).version)
        adapter = body.adapter or (NATIVE if body.mapping is None else None)
        now = request.app.state.clock()
        stored = await registry.store(
            session, partner, body.verification, adapter, body.mapping, now
        )
        return _render(stored, response)

    @router.get("/{partner}", dependencies=LOOK)
    async def get_partner(partner: Id, session: Session, response: Response) -> PartnerAnswer:
        return _render(await registry.get(session, partner), response)

    @router.get("", dependencies=LOOK)
    async def list_partners(
        query: Annotated[PageQuery, Query()], session: Session
    ) -> Page[PartnersAnswer]:
        """The partners of this service, by name."""
        names, cursor = await fetch_page(
            session,
            select(_PARTNERS.c.partner),
            (_PARTNERS.c.partner,),
            query,
            descending=False,
        )
        return Page(data=[PartnersAnswer(partner=name) for name in names], next_cursor=cursor)

    @router.delete("/{partner}", status_code=204, dependencies=ACT)
    async def delete_partner(partner: Id, session: Session) -> Response:
        """End a partnership: from now on this partner is not known, and what it parked is gone."""
        await registry.get(session, partner, lock=True)
        await forget(session, partner)
        return Response(status_code=204)


async def _check_mapping(data: dict[str, Any], registry: Registry) -> None:
    """Raise `Invalid` for a mapping that cannot be read, or whose examples give something else."""
    try:
        compiled = await run_in_threadpool(read_mapping, data)
    except MappingIsWrong as error:
        raise Invalid.field("/mapping", str(error)) from None
    for steps in compiled.on.values():
        for step in steps:
            if step.command not in registry.commands:
                known = ", ".join(registry.commands)
                raise Invalid.field("/mapping", f"{step.command[:60]!r} is not one of: {known}")


def _add_receiving(router: APIRouter, registry: Registry) -> None:
    async def receive(partner: Id, request: HttpRequest) -> Response:
        """A partner's webhook, signed as it was agreed. The same one again does nothing.

        202: it does not map, and is parked with its reason. 401: there is no such partner, or the
        signature does not fit.
        """
        sent = receiving.Request(partner, dict(request.headers), await request.body())
        database = runtime_of(request.scope).database
        outcome = await receiving.receive(database, registry, sent, request.app.state.clock())
        headers = {"Perennial-Event": outcome.event_id} if outcome.event_id else None
        return Response(
            _received(outcome).model_dump_json(),
            202 if outcome.became == "parked" else 200,
            media_type="application/json",
            headers=headers,
        )

    router.add_api_route(
        "/{partner}/events",
        receive,
        methods=["POST"],
        dependencies=[PUBLIC],
        response_model=ReceivedAnswer,
        responses={202: {"model": ReceivedAnswer, "description": "Parked"}},
        route_class_override=ServiceRoute,
    )

    @router.post("/{partner}/test", dependencies=ACT)
    async def rehearse(
        partner: Id, body: RehearsalBody, session: Session, request: HttpRequest
    ) -> RehearsalAnswer:
        """What this payload would do, without doing it."""
        found = await registry.get(session, partner)
        headers = {str(name).lower(): str(value) for name, value in body.headers.items()}
        now: datetime = request.app.state.clock()
        try:
            source = registry.mapping(found).read(to_json(body.payload), headers)
        except DoesNotMap as error:
            return RehearsalAnswer(commands=[], events=[], reason=str(error))
        commands, events, reason = await receiving.rehearse(session, registry, found, source, now)
        return RehearsalAnswer(commands=commands, events=events, reason=reason)


def _received(outcome: receiving.Outcome) -> ReceivedAnswer:
    return ReceivedAnswer(
        status=outcome.became, webhook_id=outcome.webhook_id, reason=outcome.reason
    )


def _add_parked(router: APIRouter, registry: Registry) -> None:
    @router.get("/{partner}/parked", dependencies=LOOK)
    async def list_parked(
        partner: Id, query: Annotated[PageQuery, Query()], session: Session
    ) -> Page[ParkedAnswer]:
        """What this partner sent and could not be applied, the oldest first."""
        await registry.get(session, partner)
        rows, cursor = await fetch_page(
            session,
            select(_PARKED).where(_PARKED.c.partner == partner),
            (_PARKED.c.id,),
            query,
            descending=False,
        )
        data = [ParkedAnswer(**dict(zip(_PARKED.c.keys(), row, strict=True))) for row in rows]
        return Page(data=data, next_cursor=cursor)

    @router.post(
        "/{partner}/parked/{id}/replay",
        dependencies=ACT,
        responses={202: {"model": ReceivedAnswer, "description": "Still parked"}},
    )
    async def replay(
        partner: Id, id: ParkedId, session: Session, request: HttpRequest, response: Response
    ) -> ReceivedAnswer:
        """Apply what is parked once more, with the mapping as it is now."""
        now = request.app.state.clock()
        outcome = await receiving.replay(session, registry, partner, id, now)
        if outcome.became == "parked":
            response.status_code = 202
        return _received(outcome)

    @router.post("/{partner}/parked/{id}/discard", status_code=204, dependencies=ACT)
    async def discard(partner: Id, id: ParkedId, session: Session) -> Response:
        """Give a parked payload up for good."""
        await receiving.discard(session, partner, id)
        return Response(status_code=204)
