"""The past may be imported in any order: customer state ends the same."""

import json
import random
from typing import Any
from uuid import uuid4

import httpx

from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Json, Shop, euros, eventually

CUSTOMERS = 6


def history(mark: str, seed: int) -> list[Json]:
    """Orders of a year and a half, some called off, late or sent back in parts."""
    chance = random.Random(seed)
    orders = []
    for number in range(60):
        day = f"202{chance.choice('45')}-{chance.randint(1, 12):02}-{chance.randint(1, 20):02}"
        lines = [
            {"sku": f"{sku}-{mark}", "quantity": 2, "unit_price": euros(chance.randint(100, 9999))}
            for sku in ("mug", "tea")
        ]
        order: Json = {
            "order_id": f"o-{number}-{mark}",
            "customer_id": f"c-{chance.randrange(CUSTOMERS)}-{mark}",
            "lines": lines,
            "discount": euros(chance.randint(0, 100)),
            "placed_at": f"{day}T10:00:00Z",
            "paid_at": f"{day}T10:01:00Z",
        }
        match chance.choice(("off", "sold", "late", "back")):
            case "off":
                order |= {"status": "cancelled", "cancelled_at": f"{day}T11:00:00Z"}
            case "late":
                order["shipments"] = [_parcel(day, late=True)]
            case "back":
                lines_back = [{"sku": f"mug-{mark}", "quantity": 1}]
                at = f"{day[:-2]}25T10:00:00Z"
                back = {"kind": "refund", "reason": "-", "lines": lines_back}
                order["shipments"] = [_parcel(day, late=False)]
                order["returns"] = [back | {"requested_at": at, "refunded_at": at}]
        orders.append(order)
    return orders


def _parcel(day: str, *, late: bool) -> Json:
    return {
        "carrier": "dhl",
        "tracking_number": "T",
        "shipped_at": f"{day}T12:00:00Z",
        "promised_at": f"{day}T18:00:00Z",
        "delivered_at": f"{day}T{20 if late else 16}:00:00Z",
    }


async def bring(platform: RunningPlatform, orders: list[Json]) -> None:
    url = platform.urls["orders"]
    headers = {"authorization": f"Bearer {platform.key}", "content-type": "application/x-ndjson"}
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=30) as client:
        content = "\n".join(json.dumps(order) for order in orders)
        answer = await client.post("/v1/orders:import", content=content)
    assert json.loads(answer.text.splitlines()[-1])["refused"] == 0, answer.text


async def test_customer_state_is_the_same_however_the_past_was_shuffled(
    platform: RunningPlatform, shop: Shop
) -> None:
    chance = random.Random(5)
    states: list[list[Any]] = []
    for shuffled in (False, True, True):
        mark = uuid4().hex[:8]
        orders = history(mark, seed=5)
        if shuffled:
            chance.shuffle(orders)
        cut = chance.randrange(len(orders))
        await bring(platform, orders[:cut])
        await bring(platform, orders[cut:])
        bought = sum("cancelled_at" not in order for order in orders)
        states.append(await _states(shop, mark, bought))
    assert states[0] == states[1] == states[2]


_ASIDE = {"customer_id", "freshness", "value_segment", "value_tier"}
"""Grades follow thresholds of the whole base, which the clock renews."""


async def _states(shop: Shop, mark: str, bought: int) -> list[Any]:
    """The customers' states, once all of their orders are in."""
    found: list[Json] = []

    async def all_there() -> bool:
        answers = [
            await shop.ask("profile", "GET", f"/v1/customers/c-{n}-{mark}/state")
            for n in range(CUSTOMERS)
        ]
        if any(answer.status != 200 for answer in answers):
            return False
        found[:] = [answer.body for answer in answers]
        returned = sum(state["orders"]["returns"] for state in found)
        paid = sum(state["orders"]["count"] for state in found)
        return bool(paid == bought and returned > 0)

    await eventually(all_there, within=20)
    # A last event of the same import may still be on its way: what is compared must have settled.
    lag = "/v1/operations/lag"

    async def settled() -> bool:
        return bool((await shop.get("profile", lag))["behind"] == 0)

    await eventually(settled, within=20)
    await all_there()
    for state in found:
        state["rfm"].pop("score")
    return [{key: value for key, value in state.items() if key not in _ASIDE} for state in found]
