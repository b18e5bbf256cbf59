"""Orders follow merges: they are the survivor's, and go back when a merge is undone."""

from datetime import datetime
from typing import Any

import httpx

from orders_service.handlers import SUBSCRIPTIONS
from perennial_events import Event, Received, seal
from perennial_events.catalogue import CustomersMerged, MergeUndone
from perennial_http import ServiceApp

MERGE: Any = {"merge_id": "m-1", "customer_id": "a", "into_id": "b"}


async def tell(app: ServiceApp, event: Event, at: datetime) -> None:
    async with app.runtime.database.transaction() as session:
        await SUBSCRIPTIONS.apply(session, [Received(event, seal(event, source="/t", time=at))])


async def place(client: httpx.AsyncClient, order_id: str, customer_id: str) -> Any:
    price = {"amount": 1000, "currency": "EUR"}
    answer = await client.post(
        "/v1/orders",
        json={
            "order_id": order_id,
            "customer_id": customer_id,
            "lines": [{"sku": "mug", "quantity": 1, "unit_price": price}],
        },
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["ETag"] == (await client.get(f"/v1/orders/{order_id}")).headers["ETag"]
    return answer.json()


async def listed(client: httpx.AsyncClient, customer_id: str) -> set[tuple[str, str]]:
    answer = await client.get("/v1/orders", params={"customer_id": customer_id})
    return {(each["order_id"], each["customer_id"]) for each in answer.json()["data"]}


async def test_orders_move_with_a_merge_and_back(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, published: Any
) -> None:
    await place(client, "o-1", "a")
    await place(client, "o-2", "b")
    before = await client.get("/v1/orders/o-1")

    await tell(app, CustomersMerged(**MERGE), clock())

    assert (await place(client, "o-3", "a"))["customer_id"] == "b"
    assert (await place(client, "o-4", "c"))["customer_id"] == "c"
    paid = await client.post("/v1/orders/o-3/pay")
    assert (paid.status_code, paid.json()["customer_id"]) == (200, "b")
    all_three = {("o-1", "b"), ("o-2", "b"), ("o-3", "b")}
    assert await listed(client, "b") == await listed(client, "a") == all_three
    merged = await client.get("/v1/orders/o-1", headers={"If-None-Match": before.headers["ETag"]})
    assert (merged.status_code, merged.json()["customer_id"]) == (200, "b")
    assert (await client.get("/v1/totals")).json()["customers"] == 2
    # The log keeps what was named, so that a customer's events stay in their order.
    keys = [event.key for event in await published(app.runtime.database)]
    assert keys == ["a", "b", "a", "c", "a"]

    await tell(app, MergeUndone(**MERGE), clock())

    assert await listed(client, "a") == {("o-1", "a"), ("o-3", "a")}
    assert await listed(client, "b") == {("o-2", "b")}
    after = await client.get("/v1/orders/o-1")
    assert (after.headers["ETag"], after.content) == (before.headers["ETag"], before.content)
