"""Parcels: their states, loss, delays by the clock, and the way they took as GeoJSON."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx

from orders_service.shipments.service import tell_delays
from perennial_http import ServiceApp

Json = dict[str, Any]


async def paid(client: httpx.AsyncClient, order_id: str = "o-1") -> None:
    euros = {"amount": 1000, "currency": "EUR"}
    lines = [
        {"sku": "mug", "quantity": 2, "unit_price": euros},
        {"sku": "tea", "quantity": 1, "unit_price": euros},
    ]
    body = {"order_id": order_id, "customer_id": "c-1", "lines": lines}
    assert (await client.post("/v1/orders", json=body)).status_code == 201
    assert (await client.post(f"/v1/orders/{order_id}/pay")).status_code == 200


async def shipped(client: httpx.AsyncClient, order_id: str = "o-1", **lines: int) -> str:
    body: Json = {"carrier": "dhl", "tracking_number": "T", "promised_at": "2026-03-04T12:00:00Z"}
    if lines:
        body["lines"] = [{"sku": sku, "quantity": quantity} for sku, quantity in lines.items()]
    answer = await client.post(f"/v1/orders/{order_id}/shipments", json=body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["shipment_id"])


async def scan(
    client: httpx.AsyncClient, id: str, status: str, at: str, **place: Any
) -> httpx.Response:
    body: Json = {"status": status, "at": f"2026-03-{at}:00Z"}
    if place:
        body["location"] = {"name": "somewhere", **place}
    return await client.post(f"/v1/shipments/{id}/scans", json=body)


async def status_of(client: httpx.AsyncClient, order_id: str = "o-1") -> str:
    return str((await client.get(f"/v1/orders/{order_id}")).json()["status"])


async def test_an_order_is_delivered_with_its_last_parcel(client: httpx.AsyncClient) -> None:
    await paid(client)
    first, second = await shipped(client, mug=1), await shipped(client, mug=1, tea=1)
    more = await client.post(
        "/v1/orders/o-1/shipments",
        json={
            "carrier": "dhl",
            "tracking_number": "T",
            "promised_at": "2026-03-04T12:00:00Z",
            "lines": [{"sku": "tea", "quantity": 1}],
        },
    )
    assert (more.status_code, more.json()["left"]) == (409, {})
    await scan(client, second, "delivered", "03T08:00")
    assert await status_of(client) == "shipped"
    await scan(client, first, "delivered", "03T07:00")
    order = (await client.get("/v1/orders/o-1")).json()
    assert (order["status"], order["delivered_at"]) == ("delivered", "2026-03-03T08:00:00Z")


async def test_scans_move_a_parcel_and_late_ones_do_not(client: httpx.AsyncClient) -> None:
    await paid(client)
    parcel = await shipped(client)
    for status, at in (("in_transit", "02T14:00"), ("out_for_delivery", "03T08:00")):
        assert (await scan(client, parcel, status, at)).json()["status"] == status
    late = await scan(client, parcel, "picked_up", "02T13:00")
    assert late.json()["status"] == "out_for_delivery"
    back = await scan(client, parcel, "picked_up", "03T09:00")
    assert (back.status_code, back.json()["state"]) == (409, "out_for_delivery")
    assert "delivered" in back.json()["allowed"]
    await scan(client, parcel, "delivered", "03T10:00")
    again = await scan(client, parcel, "delivered", "03T10:05")
    assert again.json()["delivered_at"] == "2026-03-03T10:00:00Z"
    refused = await scan(client, parcel, "in_transit", "03T11:00")
    assert (refused.status_code, refused.json()["allowed"]) == (409, ["delivered"])
    read = await client.get(f"/v1/shipments/{parcel}")
    assert (read.json()["status"], bool(read.headers["ETag"])) == ("delivered", True)


async def test_what_is_lost_can_be_sent_again_or_called_off_or_found(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any
) -> None:
    for order_id in ("again", "off", "found"):
        await paid(client, order_id)
        parcel = await shipped(client, order_id)
        await scan(client, parcel, "lost", "03T08:00")
        assert await status_of(client, order_id) == "paid"
        if order_id == "again":
            second = await shipped(client, order_id)
            await scan(client, second, "delivered", "05T08:00")
            assert await status_of(client, order_id) == "delivered"
        if order_id == "off":
            cancelled = (await client.post(f"/v1/orders/{order_id}/cancel")).json()
            assert cancelled["totals"]["refunded"] == cancelled["totals"]["paid"]
            async with app.runtime.database.transaction() as session:
                assert await tell_delays(session, clock() + timedelta(days=9)) == 0
        found = await scan(client, parcel, "delivered", "06T08:00")
        assert found.status_code == 200
    assert await status_of(client, "off") == "cancelled"
    assert await status_of(client, "found") == "delivered"


async def test_exchanged_goods_can_come_back_once_more(client: httpx.AsyncClient) -> None:
    await paid(client)
    await client.post("/v1/orders/o-1/complete")

    async def back(kind: str) -> httpx.Response:
        body = {"kind": kind, "reason": "-", "lines": [{"sku": "tea", "quantity": 1}]}
        return await client.post("/v1/orders/o-1/returns", json=body)

    for kind in ("exchange", "repair"):
        asked = (await back(kind)).json()
        assert (await back("refund")).status_code == 409
        await client.post(f"/v1/returns/{asked['return_id']}/receive")
        refused = await client.post(f"/v1/returns/{asked['return_id']}/refund")
        assert (refused.status_code, refused.json()["state"]) == (409, "received")
    asked = (await back("refund")).json()
    read = await client.get(f"/v1/returns/{asked['return_id']}")
    assert read.headers["ETag"]
    assert (await back("refund")).status_code == 409


async def test_after_the_window_a_person_decides(client: httpx.AsyncClient, clock: Any) -> None:
    await paid(client)
    parcel = await shipped(client)
    await scan(client, parcel, "delivered", "03T08:00")
    body = {"kind": "refund", "reason": "-", "lines": [{"sku": "mug", "quantity": 1}]}
    statuses = []
    for days in (7, 2):
        clock.turn(days=days)
        statuses.append((await client.post("/v1/orders/o-1/returns", json=body)).json()["status"])
    assert statuses == ["approved", "requested"]


async def test_many_timers_tell_a_delay_once(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, published: Any
) -> None:
    for number in range(20):
        await paid(client, f"o-{number}")
        await shipped(client, f"o-{number}")
    await scan(client, (await client.get("/v1/orders/o-0/shipments")).json()["data"][0]["shipment_id"],
               "delivered", "03T08:00")  # fmt: skip

    async def round_of_a_timer() -> int:
        async with app.runtime.database.transaction() as session:
            return await tell_delays(session, clock())

    assert await round_of_a_timer() == 0
    clock.turn(days=2, seconds=1)
    assert sum(await asyncio.gather(*(round_of_a_timer() for _ in range(6)))) == 19
    clock.turn(days=30)
    assert await round_of_a_timer() == 0
    told = [e.subject for e in await published(app.runtime.database) if "delayed" in e.type]
    assert len(told) == len(set(told)) == 19


async def test_scans_and_timers_at_once_take_turns(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any
) -> None:
    parcels = []
    for number in range(30):
        await paid(client, f"o-{number}")
        parcels.append(await shipped(client, f"o-{number}"))
    clock.turn(days=3)

    async def round_of_a_timer() -> int:
        async with app.runtime.database.transaction() as session:
            return await tell_delays(session, clock())

    scans = [scan(client, parcel, "in_transit", "03T08:00") for parcel in parcels]
    *answers, _, _, _ = await asyncio.gather(*scans, *(round_of_a_timer() for _ in range(3)))
    assert {answer.status_code for answer in answers if isinstance(answer, httpx.Response)} == {200}


async def test_the_way_of_parcels_is_geojson(client: httpx.AsyncClient) -> None:
    await paid(client)
    first, second = await shipped(client, mug=2), await shipped(client, tea=1)
    await scan(client, first, "in_transit", "03T08:00", lat=52.5, lon=13.4)
    await scan(client, first, "delivered", "04T08:00", lat=48.1, lon=11.6)
    await scan(client, first, "picked_up", "02T14:00", lat=53.5, lon=10.0)
    await scan(client, second, "delivered", "04T09:00", lat=48.1, lon=11.6)
    answer = await client.get("/v1/orders/o-1/trajectory")
    assert answer.headers.get_list("content-type") == ["application/geo+json"]
    way = answer.json()
    assert way["type"] == "FeatureCollection"
    shapes = [each["geometry"] for each in way["features"]]
    assert shapes[0] == {
        "type": "LineString",
        "coordinates": [[10.0, 53.5], [13.4, 52.5], [11.6, 48.1]],
    }
    assert [shape["type"] for shape in shapes] == ["LineString"] + ["Point"] * 4
    assert all(each["type"] == "Feature" and "properties" in each for each in way["features"])
    await paid(client, "o-2")
    assert (await client.get("/v1/orders/o-2/trajectory")).json()["features"] == []
