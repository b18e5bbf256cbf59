"""Marketplaces and carriers: Shopify's documented payloads become orders, shipments and returns."""

import base64
import hashlib
import hmac
import json
from typing import Any

import httpx
import pytest

from orders_service.app import create
from perennial_http import ServiceApp
from perennial_http.testing import served
from perennial_webhooks.adapters import adapters
from perennial_webhooks.mapping import compile_mapping

SECRET = "shpss_0123456789abcdef"
ORDER = "shopify-820982911946154508"
EXAMPLES = {
    example["headers"]["X-Shopify-Topic"]: example
    for example in compile_mapping(adapters()["shopify"].mapping).examples
}


@pytest.fixture
async def app(app: ServiceApp, clock: Any) -> ServiceApp:
    """The same service, with a key to keep secrets with."""
    key = base64.urlsafe_b64encode(b"k" * 32).decode()
    return create(app.state.settings.model_copy(update={"secret_key": key}), clock)


@pytest.fixture
async def shop(app: ServiceApp) -> Any:
    async with served(app) as client:
        verification = {"scheme": "hmac", "secret": SECRET}
        body = {"adapter": "shopify", "verification": verification}
        answer = await client.put("/v1/partners/shopify", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.json()["verification"]["header"] == "X-Shopify-Hmac-Sha256"
        yield client


async def tell(
    shop: httpx.AsyncClient, topic: str, *, webhook_id: str | None = None, **changes: Any
) -> Any:
    """As Shopify sends it: the HMAC of the raw body, in base64, with the app's secret."""
    example = EXAMPLES[topic]
    body = json.dumps(example["payload"] | changes).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).digest()
    headers = {
        **example["headers"],
        "X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode(),
        "X-Shopify-Webhook-Id": webhook_id or f"{topic}-1",
        "Content-Type": "application/json",
    }
    answer = await shop.post("/v1/partners/shopify/events", content=body, headers=headers)
    return answer.json()


async def test_a_shopify_order_on_all_its_way(
    shop: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    assert (await tell(shop, "orders/create"))["status"] == "applied"
    order = (await shop.get(f"/v1/orders/{ORDER}")).json()
    assert order["status"] == "placed"
    assert order["customer_id"] == "shopify-115310627314723954"
    assert order["placed_at"] == "2022-01-01T00:00:00Z"
    assert {name: money["amount"] for name, money in order["totals"].items()} == {
        "items": 41495,
        "discount": 2000,
        "shipping": 1000,
        "gift_cards": 0,
        "due": 40495,  # Shopify's total_price, 404.95
        "paid": 0,
        "refunded": 0,
    }
    early = await tell(shop, "fulfillments/create")
    assert early["status"] == "parked"
    assert "placed" in early["reason"]

    assert (await tell(shop, "orders/paid"))["status"] == "applied"
    (parked,) = (await shop.get("/v1/partners/shopify/parked")).json()["data"]
    replayed = await shop.post(f"/v1/partners/shopify/parked/{parked['id']}/replay")
    assert replayed.json()["status"] == "applied"
    (shipment,) = (await shop.get(f"/v1/orders/{ORDER}/shipments")).json()["data"]
    assert (shipment["carrier"], shipment["tracking_number"]) == ("UPS", "1z827wk74630")
    assert len(shipment["lines"]) == 5

    assert (await tell(shop, "fulfillments/update"))["status"] == "applied"
    assert (await shop.get(f"/v1/orders/{ORDER}")).json()["status"] == "delivered"
    assert (await tell(shop, "refunds/create"))["status"] == "applied"
    (returned,) = (await shop.get(f"/v1/orders/{ORDER}/returns")).json()["data"]
    assert returned["status"] == "refunded"
    assert {line["sku"] for line in returned["lines"]} == {"SKU2006-001", "SKU2006-020"}
    # (89.99 + 159.99) less their share of the discount of 20.00 on 414.95
    assert returned["amount"] == 23793

    facts = [each.type.split(".")[2] for each in await published(app.runtime.database)]
    assert facts == [
        "order_placed",
        "order_paid",
        "order_shipped",
        "shipment_scanned",
        "order_delivered",
        "return_requested",
        "return_received",
        "order_refunded",
    ]


async def test_the_same_facts_under_new_ids_change_nothing(
    shop: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    told = ("orders/create", "orders/paid", "fulfillments/create", "refunds/create")
    for topic in told:
        assert (await tell(shop, topic))["status"] == "applied"
    before = len(await published(app.runtime.database))
    for topic in told:
        assert (await tell(shop, topic))["status"] == "duplicate"
        assert (await tell(shop, topic, webhook_id=f"{topic}-2"))["status"] == "applied"
    assert len(await published(app.runtime.database)) == before


async def test_a_refund_of_what_no_carrier_followed(shop: httpx.AsyncClient) -> None:
    for topic in ("orders/create", "orders/paid", "fulfillments/create", "refunds/create"):
        assert (await tell(shop, topic))["status"] == "applied"
    order = (await shop.get(f"/v1/orders/{ORDER}")).json()
    assert order["status"] == "delivered"
    assert order["totals"]["refunded"]["amount"] == 23793


async def test_paid_at_once_guest_and_cancelled(shop: httpx.AsyncClient) -> None:
    paid = await tell(shop, "orders/create", financial_status="paid", customer=None)
    assert paid["status"] == "applied"
    order = (await shop.get(f"/v1/orders/{ORDER}")).json()
    assert (order["status"], order["customer_id"]) == ("paid", "shopify-guest-820982911946154508")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"currency": "XXX"}, "ISO 4217"),
        ({"line_items": []}, "lines"),
        ({"id": None}, "order_id"),
        ({"total_discounts": "999999.00"}, "discount"),
        ({"line_items": [{"id": 1, "quantity": 0, "price": "1.00", "title": "x"}]}, "quantity"),
    ],
)
async def test_what_is_wrong_is_parked_with_its_place(
    shop: httpx.AsyncClient, changes: dict[str, Any], reason: str
) -> None:
    parked = await tell(shop, "orders/create", **changes)
    assert parked["status"] == "parked"
    assert reason in parked["reason"]


async def test_a_carriers_scans_find_the_parcel_by_its_number(shop: httpx.AsyncClient) -> None:
    for topic in ("orders/create", "orders/paid", "fulfillments/create"):
        await tell(shop, topic)
    verification = {"scheme": "basic", "secret": "carrier:password"}
    carrier = {"adapter": "carrier", "verification": verification}
    assert (await shop.put("/v1/partners/ups", json=carrier)).status_code == 200

    async def scan(number: str, status: str, id: str) -> Any:
        seen = {
            "status": status,
            "at": "2022-01-02T10:00:00Z",
            "location": {"lat": 38.2, "lon": -85.7},
        }
        payload = {"id": id, "carrier": "ups", "tracking_number": number, "scans": [seen]}
        return (
            await shop.post("/v1/partners/ups/events", json=payload, auth=("carrier", "password"))
        ).json()

    assert (await scan("1z827wk74630", "IN_TRANSIT", "s-1"))["status"] == "applied"
    assert (await scan("1z827wk74630", "Delivered", "s-2"))["status"] == "applied"
    unknown = await scan("1Z000", "delivered", "s-3")
    assert (unknown["status"], "1Z000" in unknown["reason"]) == ("parked", True)
    assert (await shop.get(f"/v1/orders/{ORDER}")).json()["status"] == "delivered"
    way = (await shop.get(f"/v1/orders/{ORDER}/trajectory")).json()
    assert len(way["features"]) == 3
