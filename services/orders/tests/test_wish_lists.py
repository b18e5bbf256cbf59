"""Wish lists."""

from typing import Any

import httpx

from perennial_http import ServiceApp


async def test_wishes_come_and_go_and_are_told_of_once(
    client: httpx.AsyncClient, app: ServiceApp, published: Any, clock: Any
) -> None:
    path = "/v1/customers/c-1/wish-list"
    for sku in ("mug", "mug", "tea"):
        assert (await client.put(f"{path}/{sku}")).status_code == 204
        clock.turn(seconds=1)
    page = (await client.get(path, params={"limit": 1})).json()
    assert [wish["sku"] for wish in page["data"]] == ["tea"]
    rest = (await client.get(path, params={"cursor": page["next_cursor"]})).json()
    assert [wish["sku"] for wish in rest["data"]] == ["mug"]
    for _ in range(2):
        assert (await client.delete(f"{path}/mug")).status_code == 204
    events = await published(app.runtime.database)
    assert [(e.key, e.data) for e in events] == [
        ("c-1", '{"customer_id":"c-1","sku":"mug","change":"added"}'),
        ("c-1", '{"customer_id":"c-1","sku":"tea","change":"added"}'),
        ("c-1", '{"customer_id":"c-1","sku":"mug","change":"removed"}'),
    ]
    assert (await client.get("/v1/products/mug")).status_code == 200
    assert (await client.get("/v1/customers/nobody/wish-list")).json()["data"] == []
