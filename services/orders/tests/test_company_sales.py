"""Sales to companies: the pipeline, quotes, the orders that come of them, commission."""

import asyncio
from typing import Any

import httpx

from orders_service.quotes.service import expire_quotes
from perennial_http import ServiceApp

Json = dict[str, Any]


def money(amount: int, currency: str = "EUR") -> Json:
    return {"amount": amount, "currency": currency}


async def done(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Json:
    answer = await client.request(method, path, json=body)
    assert answer.status_code < 300, answer.text
    return dict(answer.json()) if answer.content else {}


def quote(**changes: Any) -> Json:
    return {
        "quote_id": "q-1",
        "customer_id": "acme",
        "owner": "s-7",
        "lines": [{"sku": "desk", "quantity": 10, "unit_price": money(20_000)}],
        "discount": money(10_000),
        "shipping": money(5_000),
        "valid_until": "2026-03-31T12:00:00Z",
        **changes,
    }


def opportunity(**changes: Any) -> Json:
    return {
        "opportunity_id": "p-1",
        "customer_id": "acme",
        "owner": "s-7",
        "title": "New office",
        "value": money(150_000),
        "expected_on": "2026-04-15",
        **changes,
    }


async def test_a_quote_becomes_an_order_once_and_wins_its_opportunity(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    await done(client, "POST", "/v1/opportunities", opportunity())
    drafted = await done(client, "POST", "/v1/quotes", quote(opportunity_id="p-1"))
    assert (drafted["status"], drafted["total"]) == ("draft", money(195_000))
    early = await client.post("/v1/quotes/q-1/accept")
    assert (early.status_code, early.json()["allowed"]) == (409, ["expire", "send"])
    await done(client, "POST", "/v1/quotes/q-1/send")

    answers = await asyncio.gather(*(client.post("/v1/quotes/q-1/accept") for _ in range(10)))

    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 9
    accepted = await done(client, "GET", "/v1/quotes/q-1")
    order = await done(client, "GET", f"/v1/orders/{accepted['order_id']}")
    assert (order["customer_id"], order["totals"]["due"]) == ("acme", money(195_000))
    assert len((await done(client, "GET", "/v1/orders"))["data"]) == 1
    won = await done(client, "GET", "/v1/opportunities/p-1")
    assert (won["stage"], won["value"]) == ("won", money(195_000))
    told = await published(app.runtime.database)
    assert [e.type.split(".")[2] for e in told] == [
        "opportunity_opened",
        "quote_created",
        "quote_sent",
        "order_placed",
        "quote_accepted",
        "opportunity_moved",
    ]
    assert {e.key for e in told} == {"acme"}
    assert not [e for e in told if "New office" in e.data]


async def test_a_quote_expires_by_the_clock_once(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, published: Any
) -> None:
    await done(client, "POST", "/v1/quotes", quote())
    await done(
        client, "POST", "/v1/quotes", quote(quote_id="q-2", valid_until="2026-04-30T12:00:00Z")
    )
    for id in ("q-1", "q-2"):
        await done(client, "POST", f"/v1/quotes/{id}/send")
    clock.turn(days=29)
    late = await client.post("/v1/quotes/q-1/accept")
    assert (late.status_code, late.json()["state"]) == (409, "expired")

    async def round_of_the_timer() -> int:
        async with app.runtime.database.transaction() as session:
            return await expire_quotes(session, clock())

    assert sum(await asyncio.gather(*(round_of_the_timer() for _ in range(4)))) == 1
    assert await round_of_the_timer() == 0
    assert (await done(client, "GET", "/v1/quotes/q-1"))["status"] == "expired"
    assert (await done(client, "GET", "/v1/quotes?status=sent"))["data"][0]["quote_id"] == "q-2"
    told = await published(app.runtime.database)
    assert [e.type for e in told].count("perennial.orders.quote_expired.v1") == 1


async def test_what_makes_no_quote_is_refused(client: httpx.AsyncClient) -> None:
    for changes, pointer in (
        ({"valid_until": "2026-03-02T12:00:00Z"}, "/valid_until"),
        ({"opportunity_id": "nobody"}, "/opportunity_id"),
        ({"discount": money(200_001)}, ""),
        ({"shipping": money(1, "USD")}, ""),
        ({"lines": [{"sku": "a", "quantity": 10**6, "unit_price": money(10**15)}]}, ""),
    ):
        answer = await client.post("/v1/quotes", json=quote(**changes))
        assert answer.status_code == 422, answer.text
        assert answer.json()["errors"][0]["pointer"] == pointer
    await done(client, "POST", "/v1/quotes", quote())
    assert (await client.post("/v1/quotes", json=quote())).status_code == 409
    assert (await client.post("/v1/quotes/q-9/send")).status_code == 404


async def test_a_sale_moves_through_the_pipeline(client: httpx.AsyncClient) -> None:
    await done(client, "POST", "/v1/opportunities", opportunity())
    path = "/v1/opportunities/p-1"
    moved = await done(client, "POST", f"{path}/move", {"stage": "proposal"})
    assert (moved["stage"], moved["probability"]) == ("proposal", 50)
    changed = await done(
        client, "PATCH", path, {"next_step": "Call", "next_step_due": "2026-03-05"}
    )
    assert (changed["next_step_due"], changed["value"]) == ("2026-03-05", money(150_000))
    assert (await client.patch(path, json={"owner": None})).status_code == 422
    lost = await done(client, "POST", f"{path}/move", {"stage": "lost"})
    assert lost["closed_at"] == "2026-03-02T12:00:00Z"
    refused = await client.post(f"{path}/move", json={"stage": "won"})
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["lead", "qualified"])
    assert (await done(client, "POST", f"{path}/move", {"stage": "lead"}))["closed_at"] is None
    reserved = await client.post("/v1/opportunities", json=opportunity(opportunity_id="forecast"))
    assert reserved.status_code == 422


async def test_the_forecast_weighs_by_stage_and_converts(client: httpx.AsyncClient) -> None:
    await client.put("/v1/rates/2026-03-01", json={"rates": {"JPY": "0.006"}})
    pipeline: list[Json] = [
        {"stage": "proposal"},
        {"stage": "negotiation", "value": money(100_000, "JPY")},
        {"stage": "lead", "value": money(777, "KWD")},
        {"stage": "qualified", "expected_on": "2026-02-27", "value": money(1000)},
        {"stage": "lead", "expected_on": "2027-03-01"},
    ]
    for number, changes in enumerate(pipeline):
        body = opportunity(opportunity_id=f"p-{number}", **changes)
        await done(client, "POST", "/v1/opportunities", body)
    await done(client, "POST", "/v1/opportunities", opportunity(opportunity_id="p-won"))
    await done(client, "POST", "/v1/opportunities/p-won/move", {"stage": "won"})

    found = await done(client, "GET", "/v1/opportunities/forecast")

    months = {each["month"]: each for each in found["data"]}
    assert (len(months), next(iter(months)), list(months)[-1]) == (12, "2026-03", "2027-02")
    assert months["2026-03"]["won"] == money(150_000)
    assert months["2026-04"] == {
        "month": "2026-04",
        "open": 3,
        "value": money(210_000),
        "weighted": money(120_000),
        "won": money(0),
        "unpriced": 1,
    }
    assert (found["overdue"]["open"], found["overdue"]["weighted"]) == (1, money(250))
    far = await done(client, "GET", "/v1/opportunities/forecast?month=2999-12&months=2")
    assert [each["month"] for each in far["data"]] == ["2999-12", "3000-01"]


async def test_commission_is_of_what_was_paid_and_not_returned(
    client: httpx.AsyncClient, clock: Any
) -> None:
    for owner, number in (("s-7", 1), ("s-7", 2), ("s-8", 3)):
        await done(client, "POST", "/v1/quotes", quote(quote_id=f"q-{number}", owner=owner))
        await done(client, "POST", f"/v1/quotes/q-{number}/send")
        made = await done(client, "POST", f"/v1/quotes/q-{number}/accept")
        await done(client, "POST", f"/v1/orders/{made['order_id']}/pay")
        if number == 1:
            await done(client, "POST", f"/v1/orders/{made['order_id']}/complete")
            first = made["order_id"]
    march = await done(client, "GET", "/v1/commissions?month=2026-03")
    assert march["data"] == [
        {"owner": "s-7", "orders": 2, "net": money(390_000), "commission": money(19_500), "unpriced": 0},
        {"owner": "s-8", "orders": 1, "net": money(195_000), "commission": money(9_750), "unpriced": 0},
    ]  # fmt: skip
    clock.turn(days=30)
    lines = [{"sku": "desk", "quantity": 1}]
    asked = {"kind": "refund", "reason": "-", "lines": lines}
    back = await done(client, "POST", f"/v1/orders/{first}/returns", asked)
    await done(client, "POST", f"/v1/returns/{back['return_id']}/approve")
    await done(client, "POST", f"/v1/returns/{back['return_id']}/refund")
    await done(client, "POST", f"/v1/orders/{made['order_id']}/cancel")
    april = await done(client, "GET", "/v1/commissions?month=2026-04")
    assert [(each["owner"], each["net"]["amount"]) for each in april["data"]] == [
        ("s-7", -19_000),
        ("s-8", -195_000),
    ]
    assert await done(client, "GET", "/v1/commissions?month=2026-03") == march
    assert (await client.get("/v1/commissions?month=2026-13")).status_code == 422


async def test_a_pipeline_may_be_worth_more_than_any_one_amount(client: httpx.AsyncClient) -> None:
    for number in range(3):
        body = opportunity(opportunity_id=f"p-{number}", value=money(10**15), stage="proposal")
        await done(client, "POST", "/v1/opportunities", body)
    found = await done(client, "GET", "/v1/opportunities/forecast?month=2026-04&months=1")
    assert found["data"][0]["value"]["amount"] == 3 * 10**15
