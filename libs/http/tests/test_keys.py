"""API keys: who may do what, told by hash, revoked within a second."""

import base64

import httpx
import pytest
from fastapi import APIRouter
from sqlalchemy import text

from perennial_events import Database, utc_now
from perennial_http import (
    ServiceSettings,
    TransactionalRoute,
    add_key,
    create_app,
    hash_token,
    new_token,
    revoke_key,
)
from perennial_http.app import ServiceApp
from perennial_http.testing import until


async def issue(database: Database, key_id: str, *scopes: str) -> str:
    token = new_token("test")
    async with database.transaction() as session:
        await add_key(
            session, key_id=key_id, key_hash=hash_token(token), scopes=scopes, at=utc_now()
        )
    return token


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def basic(user: str, password: str = "") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def test_a_token_names_its_use_and_is_long() -> None:
    token = new_token("live")
    assert token.startswith("pk_live_")
    assert len(token) == len("pk_live_") + 43
    assert new_token("live") != token
    with pytest.raises(ValueError, match="name"):
        new_token("No Spaces")


async def test_no_key_and_an_unknown_key(client: httpx.AsyncClient) -> None:
    for value in ("", "Bearer", "Bearer pk_test_unknown", "Basic eDo="):
        answer = await client.get("/v1/cases", headers={"Authorization": value})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == 'Bearer realm="perennial"'


@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        (["cases:read"], 200),
        (["cases:*"], 200),
        (["*"], 200),
        (["orders:read", "cases:read"], 200),
        (["cases:write"], 403),
        (["case:*"], 403),
        ([], 403),
    ],
)
async def test_scopes(
    client: httpx.AsyncClient, app: ServiceApp, database: Database, scopes: list[str], status: int
) -> None:
    token = await issue(database, "k", *scopes)
    await app.runtime.keys.refresh()
    answer = await client.get("/v1/cases", headers=bearer(token))
    assert answer.status_code == status
    if status == 403:
        assert answer.json()["required_scope"] == "cases:read"


async def test_a_revocation_holds_within_two_seconds_without_being_told(
    client: httpx.AsyncClient, database: Database
) -> None:
    token = await issue(database, "k", "cases:read")

    async def answers(status: int) -> bool:
        return (await client.get("/v1/cases", headers=bearer(token))).status_code == status

    await until(lambda: answers(200), within=2)
    async with database.transaction() as session:
        assert await revoke_key(session, key_id="k", at=utc_now())
    await until(lambda: answers(401), within=2)
    async with database.transaction() as session:
        assert not await revoke_key(session, key_id="k", at=utc_now())


async def test_keys_outlive_a_database_that_is_away(
    client: httpx.AsyncClient, app: ServiceApp, database: Database
) -> None:
    token = await issue(database, "k", "clicks:write")
    await app.runtime.keys.refresh()
    async with database.transaction() as session:
        await session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert (await client.get("/v1/whoami", headers=bearer(token))).text == '"k"'
    await database.engine.dispose()


async def test_the_token_itself_is_nowhere(database: Database) -> None:
    token = await issue(database, "k", "cases:read")
    async with database.reading() as session:
        row = str((await session.execute(text("SELECT * FROM api_keys"))).one())
    assert token.rsplit("_", 1)[1] not in row


async def test_basic_auth_only_where_it_is_offered(
    client: httpx.AsyncClient, app: ServiceApp, database: Database
) -> None:
    token = await issue(database, "k", "clicks:write", "cases:read")
    await app.runtime.keys.refresh()
    assert (await client.get("/v1/whoami", headers=basic(token))).text == '"k"'
    assert (await client.get("/v1/whoami", headers=bearer(token))).text == '"k"'
    with_password = await client.get("/v1/whoami", headers=basic(token, "x"))
    assert with_password.status_code == 401
    assert "Basic" in with_password.headers["www-authenticate"]
    assert (await client.get("/v1/cases", headers=basic(token))).status_code == 401


def test_a_route_that_forgot_its_scope_does_not_start(
    settings: ServiceSettings, database: Database
) -> None:
    router = APIRouter(route_class=TransactionalRoute)

    @router.get("/v1/forgotten")
    async def forgotten() -> None: ...

    with pytest.raises(TypeError, match="forgotten"):
        create_app(title="x", version="1", settings=settings, database=database, routers=[router])
