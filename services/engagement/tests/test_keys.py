"""Who may send clicks, and the three ways to show the key."""

from typing import Any

import httpx

from perennial_http import ServiceApp, add_key, hash_token, new_token
from perennial_http.testing import ADMIN_KEY, served


def track(**changes: Any) -> dict[str, Any]:
    call = {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": "a-1",
        "properties": {"sku": "mug", "price": 19.99},
    }
    return {**call, **changes}


async def made_key(app: ServiceApp, scope: str) -> str:
    token = new_token("live")
    async with app.runtime.database.transaction() as session:
        await add_key(
            session,
            key_id=token[:20],
            key_hash=hash_token(token),
            scopes=[scope],
            at=app.state.clock(),
        )
    await app.runtime.keys.refresh()
    return token


async def test_three_ways_to_show_the_key(app: ServiceApp, client: httpx.AsyncClient) -> None:
    token = await made_key(app, "clicks:write")
    del client.headers["Authorization"]
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        await client.post("/v1/track", json=track(), headers=bearer),
        await client.post("/v1/track", json=track(), auth=(token, "")),
        await client.post("/v1/track", json=track(writeKey=token)),
        await client.post("/v1/batch", json={"batch": [track()], "writeKey": token}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 4


async def test_keys_that_do_not_open(app: ServiceApp, client: httpx.AsyncClient) -> None:
    reader = await made_key(app, "profile:read")
    del client.headers["Authorization"]
    unknown = [
        await client.post("/v1/track", json=track()),
        await client.post("/v1/track", content=b"{", headers={"Content-Type": "application/json"}),
        await client.post("/v1/track", json=track(), auth=("unknown", "")),
        await client.post("/v1/track", json=track(), auth=(ADMIN_KEY, "password")),
        await client.post("/v1/track", json=track(writeKey="unknown")),
        await client.post("/v1/track", json=track(writeKey=7)),
    ]
    for answer in unknown:
        assert answer.status_code == 401
        assert "Basic" in answer.headers["WWW-Authenticate"]
    for lacking in (
        await client.post("/v1/batch", json={"batch": [track()]}, auth=(reader, "")),
        await client.post("/v1/batch", json={"batch": [track()], "writeKey": reader}),
    ):
        assert (lacking.status_code, lacking.json()["required_scope"]) == (403, "clicks:write")


async def test_two_keys_number_their_messages_alike(app: ServiceApp, told: Any) -> None:
    async with served(app) as client:
        for token in (await made_key(app, "clicks:write"), await made_key(app, "clicks:*")):
            answer = await client.post("/v1/track", json=track(messageId="1"), auth=(token, ""))
            assert answer.status_code == 200
    assert len({event.id for event in await told()}) == 2
