"""Orders through their door."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


def body(**changes: Any) -> dict[str, Any]:
    return {
        "order_id": "o-1",
        "customer_id": "c-1",
        "lines": [
            {"sku": "mug", "quantity": 2, "unit_price": euros(1000)},
            {"sku": "tea", "quantity": 1, "unit_price": euros(500)},
        ],
        "discount": euros(250),
        "shipping": euros(495),
        **changes,
    }


async def placed(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    answer = await client.post("/v1/orders", json=body(**changes))
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def test_an_order_adds_up_and_is_told_of(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    answer = await client.post("/v1/orders", json=body())

    assert answer.status_code == 201
    order = answer.json()
    assert order["status"] == "placed"
    assert order["placed_at"] == "2026-03-02T12:00:00Z"
    assert order["totals"] == {
        "items": euros(2500),
        "discount": euros(250),
        "shipping": euros(495),
        "gift_cards": euros(0),
        "due": euros(2745),
        "paid": euros(0),
        "refunded": euros(0),
    }
    events = await published(app.runtime.database)
    assert [event.type for event in events] == ["perennial.orders.order_placed.v1"]
    assert str(events[0].id) == answer.headers["Perennial-Event"]
    assert (events[0].key, events[0].subject) == ("c-1", "o-1")
    read = await client.get("/v1/orders/o-1")
    assert read.json() == order
    assert read.headers["ETag"] == answer.headers["ETag"]


async def test_a_sku_met_in_an_order_becomes_a_bare_product(client: httpx.AsyncClient) -> None:
    await placed(client)
    product = (await client.get("/v1/products/mug")).json()
    assert (product["sku"], product["name"], product["available"]) == ("mug", None, True)


async def test_the_same_id_again_is_a_conflict(client: httpx.AsyncClient) -> None:
    await placed(client)
    again = await client.post("/v1/orders", json=body())
    assert again.status_code == 409
    assert "o-1" in again.json()["detail"]


async def test_twenty_retries_with_one_key_place_one_order(client: httpx.AsyncClient) -> None:
    order = {key: value for key, value in body().items() if key != "order_id"}
    answers = await asyncio.gather(
        *(
            client.post("/v1/orders", json=order, headers={"Idempotency-Key": "once"})
            for _ in range(20)
        )
    )
    placed_ids = {a.json()["order_id"] for a in answers if a.status_code == 201}
    assert len(placed_ids) == 1
    assert {a.status_code for a in answers} <= {201, 409}
    listed = (await client.get("/v1/orders")).json()["data"]
    assert [each["order_id"] for each in listed] == list(placed_ids)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"lines": []}, "/lines"),
        ({"lines": [{"sku": "a", "quantity": 0, "unit_price": euros(1)}]}, "/lines/0/quantity"),
        ({"lines": [{"sku": "a b", "quantity": 1, "unit_price": euros(1)}]}, "/lines/0/sku"),
        ({"shipping": {"amount": 5, "currency": "USD"}}, ""),
        ({"discount": euros(99999)}, ""),
        ({"colour": "red"}, "/colour"),
        ({"discount": {"amount": 1.5, "currency": "EUR"}}, "/discount/amount"),
    ],
)
async def test_bad_fields_are_pointed_at(
    client: httpx.AsyncClient, changes: dict[str, Any], pointer: str
) -> None:
    answer = await client.post("/v1/orders", json=body(**changes))
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


async def test_the_way_of_an_order(client: httpx.AsyncClient, clock: Any) -> None:
    await placed(client)
    assert (await client.post("/v1/orders/o-1/pay")).json()["totals"]["paid"] == euros(2745)
    clock.turn(hours=1)
    shipment = await client.post(
        "/v1/orders/o-1/shipments",
        json={"carrier": "dhl", "tracking_number": "T1", "promised_at": "2026-03-04T18:00:00Z"},
    )
    assert shipment.status_code == 201
    scan = f"/v1/shipments/{shipment.json()['shipment_id']}/scans"
    for at, status in (
        ("2026-03-03T08:00:00Z", "in_transit"),
        ("2026-03-05T08:00:00Z", "delivered"),
    ):
        seen = {"at": at, "status": status, "location": {"lat": 52.1, "lon": 4, "name": "Leiden"}}
        assert (await client.post(scan, json=seen)).status_code == 200
    order = (await client.get("/v1/orders/o-1")).json()
    assert (order["status"], order["delivered_at"]) == ("delivered", "2026-03-05T08:00:00Z")
    way = await client.get("/v1/orders/o-1/trajectory")
    assert [f["geometry"]["type"] for f in way.json()["features"]] == [
        "LineString",
        "Point",
        "Point",
    ]
    assert (await client.post("/v1/orders/o-1/complete")).json()["status"] == "completed"
    refused = await client.post("/v1/orders/o-1/cancel")
    assert refused.status_code == 409
    assert (refused.json()["state"], refused.json()["allowed"]) == ("completed", [])


async def test_partial_returns_pay_back_what_was_paid(
    client: httpx.AsyncClient, clock: Any
) -> None:
    await placed(client)
    await client.post("/v1/orders/o-1/pay")
    await client.post("/v1/orders/o-1/complete")
    back = []
    for lines in (
        [{"sku": "mug", "quantity": 1}],
        [{"sku": "mug", "quantity": 1}, {"sku": "tea", "quantity": 1}],
    ):
        wanted = {"kind": "refund", "reason": "too big", "lines": lines}
        returned = (await client.post("/v1/orders/o-1/returns", json=wanted)).json()
        assert returned["status"] == "approved"
        refunded = await client.post(f"/v1/returns/{returned['return_id']}/refund")
        back.append(refunded.json()["amount"])
    assert back == [900, 1350]
    more = await client.post(
        "/v1/orders/o-1/returns",
        json={"kind": "refund", "reason": "again", "lines": [{"sku": "tea", "quantity": 1}]},
    )
    assert more.status_code == 409


async def test_import_is_idempotent_and_refuses_alone(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    past = body(
        placed_at="2025-01-05T10:00:00Z",
        status="completed",
        shipments=[
            {
                "carrier": "dhl",
                "tracking_number": "T",
                "promised_at": "2025-01-07T10:00:00Z",
                "shipped_at": "2025-01-06T10:00:00Z",
                "delivered_at": "2025-01-08T10:00:00Z",
            }
        ],
        returns=[
            {
                "kind": "refund",
                "reason": "broken",
                "lines": [{"sku": "mug", "quantity": 1}],
                "requested_at": "2025-01-09T10:00:00Z",
                "refunded_at": "2025-01-10T10:00:00Z",
            }
        ],
    )
    lines = [
        past,
        {**past, "order_id": "o-2", "lines": []},
        {**past, "order_id": "o-3", "status": "cancelled", "shipments": [], "returns": []},
    ]
    ndjson = "\n".join(json.dumps(line) for line in lines)
    headers = {"Content-Type": "application/x-ndjson"}
    for totals in (
        {"created": 2, "unchanged": 0, "refused": 1},
        {"created": 0, "unchanged": 2, "refused": 1},
    ):
        answer = await client.post("/v1/orders:import", content=ndjson, headers=headers)
        rows = [json.loads(row) for row in answer.text.splitlines()]
        assert rows[0]["id"] == "o-2"
        assert rows[-1] == totals
    events = [e for e in await published(app.runtime.database) if e.key == "c-1" and e.imported]
    assert [(e.type.split(".")[2], e.time.day) for e in events if "o-3" not in e.data] == [
        ("order_placed", 5),
        ("order_paid", 5),
        ("order_shipped", 6),
        ("shipment_delayed", 7),
        ("shipment_scanned", 8),
        ("order_delivered", 8),
        ("order_completed", 8),
        ("return_requested", 9),
        ("return_received", 10),
        ("order_refunded", 10),
    ]
    sums = (await client.get("/v1/totals")).json()
    assert (sums["orders"], sums["cancelled"], sums["net"]) == (1, 1, euros(1845))
