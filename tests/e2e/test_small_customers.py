"""Who is worth little gets the same price, the same refund and the same help as who is worth most."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from tests.e2e.shop import Json, Shop, euros, eventually, order_of


def alike(answer: Any) -> Any:
    """The answer without ids and times."""
    if isinstance(answer, dict):
        kept = [name for name in answer if not name.endswith(("_id", "_at"))]
        return {name: alike(answer[name]) for name in kept}
    return [alike(each) for each in answer] if isinstance(answer, list) else answer


async def be_served(shop: Shop, customer: str, sku: str) -> Json:
    """Everything that a customer may ask of the shop, and what it answered."""
    placed = await shop.post("orders", "/v1/orders", order_of(customer, (sku, 2, 1000)))
    order = f"/v1/orders/{placed.body['order_id']}"
    served: Json = {"placed": placed.body, "paid": (await shop.post("orders", f"{order}/pay")).body}
    await shop.post("orders", f"{order}/complete")
    wanted = {"kind": "refund", "lines": [{"sku": sku, "quantity": 1}], "reason": "too many"}
    back = await shop.post("orders", f"{order}/returns", wanted)
    served["return"] = back.body
    for action in ("receive", "refund"):
        answer = await shop.post("orders", f"/v1/returns/{back.body['return_id']}/{action}")
        served[action] = answer.body
    complaint = {"customer_id": customer, "text": "The handle came off.", "channel": "email"}
    opened = (await shop.post("support", "/v1/complaints", complaint)).body
    # Priority may rise with a customer's value; it is compared by itself.
    served["priority"] = opened["case"].pop("priority")
    served["complaint"] = opened
    case = f"/v1/cases/{opened['case_id']}"
    reply = await shop.post("support", f"{case}/reply", {"text": "We send a new one."})
    reply.body.pop("priority")
    served["reply"] = reply.body
    review = {"customer_id": customer, "rating": 3}
    served["review"] = (await shop.post("support", "/v1/reviews", review)).body
    return served


async def recommended(shop: Shop, customer: str, strategy: str) -> list[str]:
    """By a strategy's name: an answer to no strategy in particular may be one that explores."""
    found = await shop.get(
        "recommend", "/v1/recommendations", customer_id=customer, strategy=strategy
    )
    return sorted(each["sku"] for each in found["data"])


async def test_small_and_below_zero_are_served_as_key_is(shop: Shop) -> None:
    mark = uuid4().hex[:8]
    best, least, sku = f"best-{mark}", f"least-{mark}", f"mug-{mark}"
    await shop.put_product(sku, f"kitchen {mark}", 1000, 400)
    long_ago = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    for customer, price in ((best, 10_000_000), (least, 100)):
        past = order_of(customer, (sku, 1, price), placed_at=long_ago, shipping=euros(0))
        placed = await shop.post("orders", "/v1/orders", past)
        await shop.post("orders", f"/v1/orders/{placed.body['order_id']}/pay")
    for number in range(3):
        text = {"customer_id": least, "text": f"Never again, {number}.", "channel": "email"}
        await shop.post("support", "/v1/complaints", text)

    async def graded() -> bool:
        high, low = await shop.state(best), await shop.state(least)
        return (high["value_segment"], low["value_segment"], low["value_tier"]) == (
            "most_valuable",
            "below_zero",
            "small",
        )

    await eventually(graded, within=30)

    high, low = await be_served(shop, best, sku), await be_served(shop, least, sku)

    assert low.pop("priority") >= high.pop("priority")
    assert alike(low) == alike(high)
    for strategy in ("also_bought", "also_viewed", "for_you", "new", "trending"):
        assert await recommended(shop, best, strategy) == await recommended(shop, least, strategy)
    assert "problem_customer" in (await shop.state(least))["flags"]
