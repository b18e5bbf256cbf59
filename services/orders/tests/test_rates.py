"""Orders whose rate comes late: priced as if it had been there, in whatever order rates are loaded."""

from itertools import permutations
from typing import Any

import httpx
import pytest

from orders_service.orders.pricing import price_late_orders
from perennial_http import ServiceApp


def dollars(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "USD"}


async def net(client: httpx.AsyncClient) -> tuple[int, int, int]:
    sums = (await client.get("/v1/totals")).json()
    return sums["gross"]["amount"], sums["refunded"]["amount"], sums["unpriced"]


async def buy_and_return(client: httpx.AsyncClient, order_id: str, placed_at: str) -> None:
    order = {
        "order_id": order_id,
        "customer_id": "c-1",
        "lines": [{"sku": "mug", "quantity": 3, "unit_price": dollars(1000)}],
        "shipping": dollars(500),
        "placed_at": placed_at,
    }
    assert (await client.post("/v1/orders", json=order)).status_code == 201
    await client.post(f"/v1/orders/{order_id}/pay")
    await client.post(f"/v1/orders/{order_id}/complete")
    wanted = {"kind": "refund", "reason": "-", "lines": [{"sku": "mug", "quantity": 1}]}
    back = (await client.post(f"/v1/orders/{order_id}/returns", json=wanted)).json()
    assert (await client.post(f"/v1/returns/{back['return_id']}/refund")).status_code == 200


@pytest.mark.parametrize("days", list(permutations(("02-26", "02-27", "03-02"))))
async def test_late_rates_price_in_any_order_of_loading(
    client: httpx.AsyncClient, app: ServiceApp, published: Any, days: tuple[str, ...]
) -> None:
    rates = {"02-26": "0.5", "02-27": "0.9", "03-02": "0.8"}
    await buy_and_return(client, "friday", "2026-02-27T10:00:00Z")
    await buy_and_return(client, "sunday", "2026-03-01T10:00:00Z")
    await buy_and_return(client, "monday", "2026-03-02T10:00:00Z")
    assert await net(client) == (0, 0, 3)
    for day in days:
        put = await client.put(f"/v1/rates/2026-{day}", json={"rates": {"USD": rates[day]}})
        assert put.status_code == 204
    assert await net(client) == (3150 + 3150 + 2800, 900 + 900 + 800, 0)
    told = [e for e in await published(app.runtime.database) if "order_priced" in e.type]
    assert {e.subject for e in told} == {"friday", "sunday", "monday"}
    assert all(e.imported for e in told)


async def test_a_rate_prices_what_was_being_placed_and_leaves_the_priced_alone(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any
) -> None:
    await client.put("/v1/rates/2026-03-01", json={"rates": {"USD": "0.5"}})
    await buy_and_return(client, "o-1", "2026-03-02T10:00:00Z")
    await client.put("/v1/rates/2026-03-02", json={"rates": {"USD": "0.9"}})
    assert await net(client) == (1750, 500, 0)

    async def round_of_the_timer() -> int:
        async with app.runtime.database.transaction() as session:
            return await price_late_orders(session, "EUR", clock())

    await buy_and_return(client, "o-2", "2026-02-01T10:00:00Z")
    await client.put("/v1/rates/2026-02-01", json={"rates": {"USD": "1"}})
    assert await round_of_the_timer() == 0
    assert (await net(client))[2] == 0
    clock.turn(minutes=2)
    assert await round_of_the_timer() == 0


async def test_absurd_rates_and_prices_harm_nobody(client: httpx.AsyncClient) -> None:
    huge = {"sku": "a", "quantity": 10**6, "unit_price": dollars(10**15)}
    order = {"order_id": "o-1", "customer_id": "c-1", "lines": [huge]}
    assert (await client.post("/v1/orders", json=order)).status_code == 422
    order["lines"] = [{**huge, "quantity": 1}]
    assert (await client.post("/v1/orders", json=order)).status_code == 201
    put = await client.put("/v1/rates/2026-03-02", json={"rates": {"USD": "999999999"}})
    assert put.status_code == 204
    assert (await client.post("/v1/orders", json={**order, "order_id": "o-2"})).status_code == 201
    product = {"name": "a", "category": "b", "price": dollars(10**15), "available": True}
    await client.put("/v1/products/a", json={**product, "cost": dollars(10**15)})
    assert (await client.post("/v1/orders", json={**order, "order_id": "o-3"})).status_code == 201
    await client.put("/v1/rates/2026-03-02", json={"rates": {"USD": "1"}})
    order["lines"] = [{**huge, "unit_price": dollars(1)}]
    assert (await client.post("/v1/orders", json={**order, "order_id": "o-4"})).status_code == 201
    for number in (1, 2, 3):
        assert (await client.post(f"/v1/orders/o-{number}/pay")).status_code == 200
    assert (await net(client))[0] >= 10**15
