"""Imports of the past: in any order and in any parts they end in what the live doors would have made."""

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from orders_service.app import create
from orders_service.shipments.service import tell_delays
from perennial_http import ServiceApp
from perennial_http.testing import served

Json = dict[str, Any]

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CUSTOMERS = ("c-1", "c-2", "c-3")
SKUS = ("mug", "tea", "pot")
# Made anew by each service, or of the moment at which somebody looked.
OF_THE_MOMENT = {
    "orders": ("version",),
    "shipments": ("shipment_id", "delay_told_at", "version"),
    "scans": ("shipment_id",),
    "returns": ("return_id", "version"),
    "products": ("changed_at",),
    "gift_card_entries": ("entry_id", "gift_card_id", "return_id", "balance"),
}


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def past_orders(seed: int, count: int = 25) -> list[Json]:
    """Histories of every kind: unpaid, called off, under way, late, completed, returned in parts."""
    chance = random.Random(seed)
    return [_past_order(chance, number) for number in range(count)]


def _past_order(chance: random.Random, number: int) -> Json:
    at = BEGIN + timedelta(minutes=chance.randrange(20_000))
    currency = chance.choice(("EUR", "JPY"))
    lines = [
        {"sku": sku, "quantity": chance.randint(1, 4), "unit_price": _money(chance, currency)}
        for sku in chance.sample(SKUS, chance.randint(1, 3))
    ]
    order: Json = {
        "order_id": f"o-{number}",
        "customer_id": chance.choice(CUSTOMERS),
        "lines": lines,
        "shipping": _money(chance, currency),
        "placed_at": stamp(at),
    }
    fate = chance.choice(("placed", "off", "paid", "shipped", "delivered", "returned", "returned"))
    if fate == "placed":
        return order
    order["paid_at"] = stamp(at := at + timedelta(minutes=5))
    if fate == "off":
        return order | {"status": "cancelled", "cancelled_at": stamp(at + timedelta(hours=1))}
    if fate == "paid":
        return order
    parcel = {
        "carrier": "dhl",
        "tracking_number": "T",
        "shipped_at": stamp(at := at + timedelta(hours=3)),
        "promised_at": stamp(at + timedelta(days=2)),
    }
    order["shipments"] = [parcel]
    if fate == "shipped":
        return order
    parcel["delivered_at"] = stamp(at := at + timedelta(days=chance.choice((1, 3))))
    if fate == "returned":
        order["returns"] = _returns(chance, lines, at)
    return order


def _returns(chance: random.Random, lines: list[Json], at: datetime) -> list[Json]:
    back = []
    for line in lines:
        at += timedelta(hours=chance.randint(1, 12))
        returned: Json = {
            "kind": chance.choice(("refund", "refund", "exchange")),
            "reason": "-",
            "lines": [{"sku": line["sku"], "quantity": chance.randint(1, line["quantity"])}],
            "requested_at": stamp(at),
        }
        if returned["kind"] == "refund" and chance.random() < 0.7:
            returned["refunded_at"] = stamp(at := at + timedelta(hours=1))
        back.append(returned)
    return back


def _money(chance: random.Random, currency: str) -> Json:
    return {"amount": chance.randrange(5_000), "currency": currency}


# The same history through the doors, as it happens


async def live(client: httpx.AsyncClient, app: ServiceApp, clock: Any, orders: list[Json]) -> None:
    """Every step at its time, over all orders, with the clock turned from step to step."""
    parcels: dict[str, str] = {}
    steps = [step for order in orders for step in _steps(order)]
    for at, action, order in sorted(steps, key=lambda step: (step[0], step[1]["place"])):
        clock.now = datetime.fromisoformat(at)
        await _do(client, app, clock, action, order, parcels)
    clock.now = BEGIN + timedelta(days=60)
    await _delays(app, clock)


def _steps(order: Json) -> list[tuple[str, Json, Json]]:
    """Time, what happens then, and whose it is."""
    steps = [(order["placed_at"], {"do": "place"})]
    if "paid_at" in order:
        steps.append((order["paid_at"], {"do": "pay"}))
    if "cancelled_at" in order:
        steps.append((order["cancelled_at"], {"do": "cancel"}))
    for parcel in order.get("shipments", ()):
        steps.append((parcel["shipped_at"], {"do": "ship", "parcel": parcel}))
        if "delivered_at" in parcel:
            steps.append((parcel["delivered_at"], {"do": "deliver"}))
    steps += [(b["requested_at"], {"do": "return", "back": b}) for b in order.get("returns", ())]
    return [(at, {"place": number, **step}, order) for number, (at, step) in enumerate(steps)]


async def _do(
    client: httpx.AsyncClient,
    app: ServiceApp,
    clock: Any,
    action: Json,
    order: Json,
    parcels: dict[str, str],
) -> None:
    path, id = f"/v1/orders/{order['order_id']}", order["order_id"]
    match action["do"]:
        case "place":
            body = {key: order[key] for key in ("order_id", "customer_id", "lines", "shipping")}
            await _post(client, "/v1/orders", body | {"gift_cards": order.get("gift_cards")})
        case "ship":
            parcel = action["parcel"]
            body = {key: parcel[key] for key in ("carrier", "tracking_number", "promised_at")}
            parcels[id] = (await _post(client, f"{path}/shipments", body))["shipment_id"]
        case "deliver":
            await _delays(app, clock)
            body = {"at": stamp(clock.now), "status": "delivered"}
            await _post(client, f"/v1/shipments/{parcels[id]}/scans", body)
        case "return":
            body = {key: action["back"][key] for key in ("kind", "reason", "lines")}
            asked = await _post(client, f"{path}/returns", body)
            if "refunded_at" in action["back"]:
                clock.now = datetime.fromisoformat(action["back"]["refunded_at"])
                for verb in ("receive", "refund"):
                    await _post(client, f"/v1/returns/{asked['return_id']}/{verb}")
        case verb:
            await _post(client, f"{path}/{verb}")


async def _post(client: httpx.AsyncClient, path: str, body: Json | None = None) -> Json:
    answer = await client.post(path, json=body)
    assert answer.status_code < 300, answer.text
    return dict(answer.json())


async def _delays(app: ServiceApp, clock: Any) -> None:
    async with app.runtime.database.transaction() as session:
        await tell_delays(session, clock())


async def imported(client: httpx.AsyncClient, *parts: list[Json]) -> None:
    for part in parts:
        answer = await client.post(
            "/v1/orders:import",
            content="\n".join(json.dumps(order) for order in part),
            headers={"Content-Type": "application/x-ndjson"},
        )
        assert json.loads(answer.text.splitlines()[-1])["created"] == len(part), answer.text


# What stands afterwards


async def left_by(app: ServiceApp) -> dict[str, Any]:
    """Every table, without what is of the moment, and the events by their customer."""
    found: dict[str, Any] = {}
    async with app.runtime.database.reading() as session:
        for table, of_the_moment in OF_THE_MOMENT.items():
            without = "".join(f" - '{column}'" for column in of_the_moment)
            rows = await session.scalars(
                text(f"SELECT (to_jsonb(t){without})::text FROM {table} t")
            )
            found[table] = sorted(rows)
        found["events"] = Counter(
            (name, key, None if "delayed" in name else time, data)
            for name, key, time, data in await session.execute(
                text(
                    "SELECT type, key, time, (data::jsonb - 'shipment_id' - 'return_id'"
                    " - 'gift_card_id')::text FROM outbox"
                )
            )
        )
    return found


@pytest.fixture
def another(app: ServiceApp, migrated_url: Any, clock: Any) -> Any:
    """Makes further services like the first, each with a database of its own."""

    async def make() -> ServiceApp:
        url = await migrated_url("orders")
        return create(app.state.settings.model_copy(update={"database_url": url}), clock)

    return make


@pytest.mark.parametrize("seed", [1, 2])
async def test_imports_in_any_order_end_as_the_live_doors_do(
    client: httpx.AsyncClient, app: ServiceApp, another: Any, clock: Any, seed: int
) -> None:
    orders = past_orders(seed)
    rates = {"rates": {"JPY": "0.0061"}}
    days = [(BEGIN + timedelta(days=day)).date() for day in range(0, 20, 5)]
    chance = random.Random(seed)
    for day in days:
        assert (await client.put(f"/v1/rates/{day}", json=rates)).status_code == 204
    await live(client, app, clock, orders)
    expected = await left_by(app)
    assert expected["returns"]
    assert expected["shipments"]

    for _ in range(3):
        chance.shuffle(orders)
        cut = chance.randrange(len(orders))
        other = await another()
        async with served(other) as door:
            for day in days:
                await door.put(f"/v1/rates/{day}", json=rates)
            await imported(door, orders[:cut], orders[cut:])
            found = await left_by(other)
        for what, rows in expected.items():
            assert found[what] == rows, what


async def test_past_orders_spend_gift_cards_as_live_ones_do(
    client: httpx.AsyncClient, app: ServiceApp, another: Any, clock: Any
) -> None:
    orders = [
        order
        for order in past_orders(3, 60)
        if order["lines"][0]["unit_price"]["currency"] == "EUR"
    ]
    worth = {"amount": {"amount": 10**6, "currency": "EUR"}, "customer_id": "c-1"}
    card = await _post(client, "/v1/gift-cards", worth)
    for order in orders:
        half = sum(line["quantity"] * line["unit_price"]["amount"] for line in order["lines"]) // 2
        if half:
            use = {"code": card["code"], "amount": {"amount": half, "currency": "EUR"}}
            order["gift_cards"] = [use]
    begun = clock.now
    await live(client, app, clock, orders)
    balance = (await client.get(f"/v1/gift-cards/{card['code']}")).json()["balance"]
    expected = await left_by(app)

    other = await another()
    async with served(other) as door:
        clock.now = begun
        second = await _post(door, "/v1/gift-cards", worth)
        clock.now = BEGIN + timedelta(days=60)
        for order in orders:
            for use in order.get("gift_cards", ()):
                use["code"] = second["code"]
        refused = orders[0] | {"order_id": "x", "gift_cards": [
            {"code": card["code"], "amount": {"amount": 1, "currency": "EUR"}}
        ]}  # fmt: skip
        answer = await door.post(
            "/v1/orders:import",
            content="\n".join(json.dumps(order) for order in [refused, *reversed(orders)]),
            headers={"Content-Type": "application/x-ndjson"},
        )
        said = [json.loads(line) for line in answer.text.splitlines()]
        assert said[0]["errors"][0]["pointer"] == "/gift_cards/0/code"
        assert said[-1] == {"created": len(orders), "unchanged": 0, "refused": 1}
        found = await left_by(other)
        assert (await door.get(f"/v1/gift-cards/{second['code']}")).json()["balance"] == balance
    for what, rows in expected.items():
        assert found[what] == rows, what
