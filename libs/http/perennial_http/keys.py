"""API keys: random tokens with scopes, known by their SHA-256 only, checked without leaving the process."""

import asyncio
import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple, cast

import structlog
from fastapi import params
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.types import Scope

from perennial_events.database import Database
from perennial_events.errors import is_transient
from perennial_http.problems import Forbidden, Unauthorized
from perennial_http.runtime import caller_of, runtime_of, set_caller

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_MAX_TOKEN = 128
REFRESH_SECONDS = 1.0
"""How soon a revocation written to the database holds in a process that was told nothing."""

_SELECT = text("SELECT key_id, hash, scopes FROM api_keys WHERE revoked_at IS NULL")
_ADD = text("""
    INSERT INTO api_keys (key_id, hash, scopes, created_at)
    VALUES (:key_id, :hash, CAST(:scopes AS text[]), :at)
    ON CONFLICT (key_id) DO UPDATE SET hash = excluded.hash, scopes = excluded.scopes
""")
_REVOKE = text("UPDATE api_keys SET revoked_at = :at WHERE key_id = :key_id AND revoked_at IS NULL")

_log = structlog.get_logger(__name__)


class Key(NamedTuple):
    """A key that a request presented: who it is, and what it may do."""

    key_id: str
    scopes: frozenset[str]


def new_token(name: str) -> str:
    """A new key, `pk_<name>_<43 characters>`. `name` says what it is for: `live`, `admin`, `carrier`."""
    if not _NAME.fullmatch(name):
        raise ValueError("a key's name is 1 to 32 of a-z 0-9 -")
    return f"pk_{name}_{secrets.token_urlsafe(32)}"


def hash_token(token: str | bytes) -> bytes:
    """What is stored of a key. It is random and long, so that one round of SHA-256 is enough."""
    return hashlib.sha256(token.encode() if isinstance(token, str) else token).digest()


async def add_key(
    session: AsyncSession, *, key_id: str, key_hash: bytes, scopes: Iterable[str], at: datetime
) -> None:
    """Make a key known to this service; saying it again changes its scopes. Revoked stays revoked."""
    await session.execute(
        _ADD, {"key_id": key_id, "hash": key_hash, "scopes": sorted(scopes), "at": at}
    )


async def revoke_key(session: AsyncSession, *, key_id: str, at: datetime) -> bool:
    """End a key's life; false when it was not known or had ended before."""
    result = await session.execute(_REVOKE, {"key_id": key_id, "at": at})
    return bool(result.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result is a CursorResult


class KeyRing:
    """The valid keys, in memory. Tokens are looked up by their hash, which no timing can help to guess."""

    def __init__(self, database: Database, admin_key_sha256: str | None) -> None:
        self._database = database
        self._admin: dict[bytes, Key] = {}
        if admin_key_sha256:
            self._admin[bytes.fromhex(admin_key_sha256)] = Key("admin", frozenset({"*"}))
        self._keys: Mapping[bytes, Key] = dict(self._admin)

    async def refresh(self) -> None:
        """Read the keys anew. What is in memory stays when the database does not answer."""
        async with self._database.reading() as session:
            rows = (await session.execute(_SELECT)).all()
        self._keys = {
            row.hash: Key(row.key_id, frozenset(row.scopes)) for row in rows
        } | self._admin

    async def keep_fresh(self) -> None:
        """Refresh every second, until cancelled."""
        failing = False
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Exception as error:
                if not is_transient(error):
                    raise
                if not failing:
                    _log.warning("keys_not_refreshed", error=str(error)[:200])
                failing = True
            else:
                failing = False

    def find(self, token: bytes) -> Key | None:
        """The key that `token` is, or None."""
        if len(token) > _MAX_TOKEN:
            return None
        return self._keys.get(hashlib.sha256(token).digest())

    def check(self, token: bytes | None, required: "Authorized") -> Key:
        """The key behind `token`. Raises `Unauthorized` or `Forbidden`."""
        key = None if token is None else self.find(token)
        if key is None:
            challenge = 'Bearer realm="perennial"' + (
                ', Basic realm="perennial"' if required.basic else ""
            )
            raise Unauthorized(
                "Send a valid API key: `Authorization: Bearer <key>`.",
                headers={"WWW-Authenticate": challenge},
            )
        if required.sufficient.isdisjoint(key.scopes):
            raise Forbidden(
                f"The key lacks the scope {required.required_scope}.",
                required_scope=required.required_scope,
            )
        return key


class Authorized(params.Depends):
    """A route's (or router's) required scope: `dependencies=[Authorized("orders:write")]`.

    `*` and `orders:*` suffice as well. `basic=True` also takes the key as the user name of Basic
    auth, with an empty password.
    """

    required_scope: str
    basic: bool
    sufficient: frozenset[str]

    def __init__(self, required_scope: str, *, basic: bool = False) -> None:
        # The base class is a frozen dataclass, which has no other way to take further attributes.
        super().__init__(dependency=self.check_request)
        object.__setattr__(self, "required_scope", required_scope)
        object.__setattr__(self, "basic", basic)
        whole_area = required_scope.partition(":")[0] + ":*"
        object.__setattr__(self, "sufficient", frozenset({"*", whole_area, required_scope}))

    async def check_request(self, request: Request) -> None:
        """The check as a dependency. `ServiceRoute` does it itself, before it reads the body."""
        self.check(request.scope)

    def check(self, scope: Scope) -> Key:
        """Check the request's key and remember it. Raises `Unauthorized` or `Forbidden`."""
        key = runtime_of(scope).keys.check(presented_token(scope, basic=self.basic), self)
        set_caller(scope, key)
        return key

    @property
    def security(self) -> list[dict[str, list[str]]]:
        """The requirement as OpenAPI puts it; either scheme will do."""
        schemes = [BEARER, BASIC] if self.basic else [BEARER]
        return [{scheme: [self.required_scope]} for scheme in schemes]


BEARER, BASIC = "ApiKey", "ApiKeyAsUser"

SECURITY_SCHEMES: dict[str, dict[str, str]] = {
    BEARER: {"type": "http", "scheme": "bearer", "description": "An API key, `pk_…`."},
    BASIC: {
        "type": "http",
        "scheme": "basic",
        "description": "An API key as user name, no password.",
    },
}


def presented_token(scope: Scope, *, basic: bool = False) -> bytes | None:
    """The key in the Authorization header, unchecked, or None."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, credentials = cast(bytes, value).partition(b" ")
            if scheme.lower() == b"bearer":
                return credentials.strip()
            if basic and scheme.lower() == b"basic":
                return _user_without_password(credentials)
            return None
    return None


def _user_without_password(credentials: bytes) -> bytes | None:
    try:
        user, _, password = base64.b64decode(credentials.strip(), validate=True).partition(b":")
    except binascii.Error:
        return None
    return None if password else user


async def _nobody_asked() -> None:
    """Nothing is checked."""


PUBLIC = params.Depends(_nobody_asked)
"""Declares that a route needs no key; a route that declares neither scope nor this does not start."""


async def _caller(request: Request) -> Key:
    key = caller_of(request.scope)
    if key is None:
        raise TypeError("a public route has no caller")
    return key


Caller = Annotated[Key, params.Depends(_caller)]
"""The key behind the request, for endpoints that note who did something."""
