"""`/v1/keys`: API keys for every service, issued here."""

from typing import Annotated

import uuid_utils.compat as uuids
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from sqlalchemy import select

from perennial_events import emit
from perennial_events.catalogue.customers import Scope
from perennial_http import (
    Answer,
    Authorized,
    Body,
    Id,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    fetch_page,
    hash_token,
    new_token,
)
from profile_service.errors import UnknownKey
from profile_service.keys.models import IssuedKey

router = APIRouter(route_class=TransactionalRoute, tags=["keys"])


class KeyBody(Body):
    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$")]
    """What the key is for, such as `storefront`; a part of the key."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=50)]


class KeyAnswer(Answer):
    key_id: Id
    name: str
    scopes: list[str]
    created_at: Time
    revoked_at: Time | None


class NewKeyAnswer(KeyAnswer):
    key: str
    """The key itself. It is shown this once and kept nowhere."""


@router.post("/v1/keys", status_code=201, dependencies=[Authorized("keys:write")])
async def issue_key(body: KeyBody, session: Session, request: Request) -> NewKeyAnswer:
    """Issue an API key. Within a second every service knows it."""
    token, now = new_token(body.name), request.app.state.clock()
    issued = IssuedKey(
        key_id=str(uuids.uuid7()), name=body.name, scopes=sorted(set(body.scopes)), created_at=now
    )
    session.add(issued)
    emit(session, *issued.create(hash_token(token).hex()), at=now)
    answer = KeyAnswer.model_validate(issued)
    return NewKeyAnswer(**answer.model_dump(), key=token)


@router.get("/v1/keys", dependencies=[Authorized("keys:read")])
async def list_keys(query: Annotated[PageQuery, Query()], session: Session) -> Page[KeyAnswer]:
    """The keys that were issued, the latest first."""
    keyset = (IssuedKey.created_at, IssuedKey.key_id)
    keys, cursor = await fetch_page(session, select(IssuedKey), keyset, query)
    return Page(data=[KeyAnswer.model_validate(key) for key in keys], next_cursor=cursor)


@router.delete("/v1/keys/{key_id}", status_code=204, dependencies=[Authorized("keys:write")])
async def revoke_key(key_id: Id, session: Session, request: Request) -> Response:
    """End a key's life, in every service within a second or two."""
    issued = await session.get(IssuedKey, key_id, with_for_update=True)
    if issued is None:
        raise UnknownKey(key_id)
    now = request.app.state.clock()
    emit(session, *issued.revoke(now), at=now)
    return Response(status_code=204)
