"""An order that is priced after it came: its money joins the sums, and its refunds with it."""

from typing import Any

from perennial_events.catalogue import (
    GiftCardIssued,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderPriced,
    OrderRefunded,
    ReturnLine,
    WishListChanged,
)

LINES = [OrderLine(sku="mug", quantity=2, unit_price=1000, category="Kitchen")]


def priced(base_total: int, refunded_more: int, cost_more: int = 0) -> OrderPriced:
    return OrderPriced(
        order_id="o-1", customer_id="c-1", currency="USD", lines=LINES, total=2000,
        base_total=base_total, base_cost=600, refunded_more=refunded_more,
        refunded_cost_more=cost_more,
    )  # fmt: skip


async def test_a_late_price_counts_and_a_nearer_one_replaces_it(tell: Any, state_of: Any) -> None:
    await tell(
        OrderPlaced(
            order_id="o-1", customer_id="c-1", currency="USD", lines=LINES, items=2000, discount=0,
            shipping=0, total=2000,
        ),
        OrderPaid(order_id="o-1", customer_id="c-1", currency="USD", amount=2000),
        OrderRefunded(
            return_id="r", order_id="o-1", customer_id="c-1", currency="USD", amount=1000,
            lines=[ReturnLine(sku="mug", quantity=1)],
        ),
    )  # fmt: skip
    assert "order_without_rate" in (await state_of("c-1"))["flags"]
    for event, gross, refunded in (
        (priced(1000, 500, 300), 1000, 500),
        (priced(1800, 400), 1800, 900),
        (priced(1600, -100), 1600, 800),
    ):
        await tell(event, imported=True)
        state = await state_of("c-1")
        orders = state["orders"]
        assert (orders["gross"]["amount"], orders["refunded"]["amount"]) == (gross, refunded)
        assert orders["margin"]["amount"] == gross - refunded - (600 - 300)
    assert "order_without_rate" not in state["flags"]
    assert state["price_band"] == {"Kitchen": [800, 800]}


async def test_cards_and_wishes_are_on_the_timeline(tell: Any, client: Any) -> None:
    await tell(
        GiftCardIssued(gift_card_id="g-1", currency="EUR", amount=5),
        GiftCardIssued(gift_card_id="g-2", customer_id="c-1", currency="EUR", amount=5),
        WishListChanged(customer_id="c-1", sku="mug", change="added"),
    )
    entries = (await client.get("/v1/customers/c-1/timeline")).json()["data"]
    assert [entry["type"].split(".")[2] for entry in entries] == [
        "wish_list_changed",
        "gift_card_issued",
    ]
    assert (await client.get("/v1/customers/g-1/timeline")).status_code == 404
