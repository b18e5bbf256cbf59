"""Customer state: what each event changes in it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from perennial_events.catalogue import (
    Clicked,
    ComplaintOpened,
    ComplaintReopened,
    ComplaintResolved,
    OrderCancelled,
    OrderDelivered,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    ProductChanged,
    ReturnLine,
    ReturnReceived,
    ShipmentDelayed,
    VisitorIdentified,
)


def placed(order_id: str = "o-1", total: int = 1000, **changes: Any) -> OrderPlaced:
    return OrderPlaced(
        **{
            "order_id": order_id,
            "customer_id": "c-1",
            "currency": "EUR",
            "lines": [OrderLine(sku="mug", quantity=1, unit_price=total, category="Kitchen")],
            "items": total,
            "discount": 0,
            "shipping": 0,
            "total": total,
            "base_total": total,
            "base_cost": total // 2,
            **changes,
        }
    )


def paid(order_id: str = "o-1", total: int = 1000) -> OrderPaid:
    return OrderPaid(
        order_id=order_id, customer_id="c-1", currency="EUR", amount=total, base_amount=total
    )


def clicked(name: str = "product_viewed", **who: Any) -> Clicked:
    return Clicked(name=name, sku="mug", **who)


async def test_paid_orders_count_and_placed_ones_do_not(
    tell: Any, state_of: Any, clock: Any
) -> None:
    await tell(placed(), placed("o-2", 500))
    assert (await state_of("c-1"))["orders"]["count"] == 0
    await tell(paid(), paid("o-2", 500))

    state = await state_of("c-1")

    assert state["orders"] == {
        "count": 2,
        "gross": {"amount": 1500, "currency": "EUR"},
        "refunded": {"amount": 0, "currency": "EUR"},
        "net": {"amount": 1500, "currency": "EUR"},
        "margin": {"amount": 750, "currency": "EUR"},
        "first_at": "2026-03-02T12:00:00Z",
        "last_at": "2026-03-02T12:00:00Z",
        "average": {"amount": 750, "currency": "EUR"},
        "returns": 0,
        "late_deliveries": 0,
    }
    assert state["stage"] == "new"
    assert state["price_band"] == {"Kitchen": [500, 1000]}
    assert state["rfm"]["recency_days"] == 0
    assert state["freshness"]["applied_at"] is not None


async def test_a_return_and_a_cancellation_come_off(tell: Any, state_of: Any) -> None:
    back = [ReturnLine(sku="mug", quantity=1)]
    await tell(placed(), paid(), placed("o-2", 700), paid("o-2", 700))
    await tell(
        ReturnReceived(return_id="r", order_id="o-1", customer_id="c-1", kind="refund", lines=back),
        OrderRefunded(
            return_id="r", order_id="o-1", customer_id="c-1", currency="EUR", amount=400,
            base_amount=400, base_cost=200, lines=back,
        ),
        OrderCancelled(order_id="o-2", customer_id="c-1", currency="EUR", refunded=700),
    )  # fmt: skip
    orders = (await state_of("c-1"))["orders"]
    assert (orders["count"], orders["returns"]) == (1, 1)
    assert orders["gross"]["amount"] == 1000
    assert orders["refunded"]["amount"] == 400
    assert orders["margin"]["amount"] == 600 - (500 - 200)


async def test_an_order_without_a_rate_is_counted_its_money_left_out(
    tell: Any, state_of: Any
) -> None:
    await tell(placed(base_total=None, base_cost=None), paid())
    state = await state_of("c-1")
    assert (state["orders"]["count"], state["orders"]["gross"]["amount"]) == (1, 0)
    assert "order_without_rate" in state["flags"]


async def test_late_deliveries(tell: Any, state_of: Any, clock: Any) -> None:
    await tell(placed(), paid())
    promised = clock() + timedelta(days=1)
    clock.turn(days=2)
    await tell(
        ShipmentDelayed(shipment_id="s", order_id="o-1", customer_id="c-1", promised_at=promised)
    )
    state = await state_of("c-1")
    assert (state["orders"]["late_deliveries"], state["flags"]) == (0, ["late_delivery"])
    await tell(
        OrderDelivered(
            order_id="o-1", customer_id="c-1", shipment_id="s", promised_at=promised, late=True
        )
    )
    state = await state_of("c-1")
    assert (state["orders"]["late_deliveries"], state["flags"]) == (1, ["late_delivery"])
    clock.turn(days=31)
    assert (await state_of("c-1"))["flags"] == []


async def test_the_anonymous_past_is_stitched(
    tell: Any, state_of: Any, client: httpx.AsyncClient
) -> None:
    await tell(
        ProductChanged(sku="mug", category="Kitchen"),
        clicked(anonymous_id="a-1"),
        clicked("product_added", anonymous_id="a-1"),
        clicked(customer_id="c-1", anonymous_id="a-1"),
    )
    assert (await state_of("c-1"))["clicks"]["total"] == 1
    await tell(VisitorIdentified(customer_id="c-1", anonymous_id="a-1"))

    state = await state_of("c-1")

    assert (state["clicks"]["total"], state["clicks"]["last_30d"]) == (3, 3)
    assert state["clicks"]["top_categories"] == ["Kitchen"]
    found = (await client.get("/v1/customers?anonymous_id=a-1")).json()["data"]
    assert [customer["customer_id"] for customer in found] == ["c-1"]
    timeline = (await client.get("/v1/customers/c-1/timeline")).json()["data"]
    assert [entry["type"].split(".")[2] for entry in timeline] == [
        "visitor_identified",
        *["clicked"] * 3,
    ]


async def test_windows_and_carts_expire_by_themselves(tell: Any, state_of: Any, clock: Any) -> None:
    await tell(clicked("product_added", customer_id="c-1"))
    assert (await state_of("c-1"))["clicks"]["carts_abandoned"] == 0
    clock.turn(days=2)
    assert (await state_of("c-1"))["clicks"]["carts_abandoned"] == 1
    clock.turn(days=29)
    clicks = (await state_of("c-1"))["clicks"]
    assert (clicks["total"], clicks["last_30d"]) == (1, 0)


async def test_a_cart_that_was_bought_is_not_abandoned(
    tell: Any, state_of: Any, clock: Any
) -> None:
    await tell(clicked("product_added", customer_id="c-1"))
    clock.turn(hours=1)
    await tell(placed(), paid())
    clock.turn(days=2)
    assert (await state_of("c-1"))["clicks"]["carts_abandoned"] == 0


async def test_cases_open_and_close(tell: Any, state_of: Any) -> None:
    opened = ComplaintOpened(
        complaint_id="k-1", case_id="case-1", customer_id="c-1", category="delivery",
        severity="major", channel="email",
    )  # fmt: skip
    case: Any = {"case_id": "case-1", "customer_id": "c-1", "category": "delivery"}
    await tell(opened)
    state = await state_of("c-1")
    assert (state["support"]["open_cases"], state["support"]["complaints_90d"]) == (1, 1)
    assert state["flags"] == ["open_complaint"]
    await tell(ComplaintResolved(**case), ComplaintReopened(**case), ComplaintResolved(**case))
    assert (await state_of("c-1"))["support"]["open_cases"] == 0
    await tell(ComplaintReopened(**case))
    assert (await state_of("c-1"))["support"]["open_cases"] == 1


async def test_stages_pass_by_days_and_tell(
    tell: Any, state_of: Any, clock: Any, client: httpx.AsyncClient
) -> None:
    long_ago = datetime(2025, 3, 2, tzinfo=UTC)
    await tell(placed(), paid(), at=long_ago, imported=True)
    assert (await state_of("c-1"))["stage"] == "lapsed"
    await tell(placed("o-2"), paid("o-2"))
    state = await state_of("c-1")
    assert (state["stage"], state["flags"]) == ("active", ["won_back"])
    counted = (await client.get("/v1/stages")).json()["data"]
    assert counted == [{"stage": "active", "customers": 1}]


async def test_an_unknown_customer_is_404(client: httpx.AsyncClient) -> None:
    for path in ("", "/state", "/timeline"):
        assert (await client.get(f"/v1/customers/nobody{path}")).status_code == 404
