"""Worth follows merges and their undoing, late prices and erasure."""

from typing import Any

from sqlalchemy import text

from perennial_events.catalogue import (
    ComplaintOpened,
    CustomersMerged,
    MergeUndone,
    MessageSent,
    OrderPlaced,
    OrderPriced,
    RecoveryGranted,
    ReturnLine,
    ReviewSubmitted,
)
from perennial_http.privacy import erase
from profile_service.holdings import HOLDINGS
from profile_service.worth.service import count_tiers
from profile_service.worth.testing import bought, sent_back

MERGE: Any = {"merge_id": "m-1", "customer_id": "a", "into_id": "b"}


async def two_customers(shop: Any) -> None:
    """a bought for 3,000, sent one thing back, complained and was written to; b bought for 1,000."""
    await shop.tell(*bought("o-1", "a", 3000), *bought("o-2", "b", 1000))
    await shop.tell(*sent_back("o-1", "a", 100, [ReturnLine(sku="mug", quantity=1)]))
    await shop.tell(
        ComplaintOpened(
            complaint_id="k-1", case_id="case-1", customer_id="a", category="other",
            severity="minor", channel="email",
        ),
        MessageSent(message_id="m-1", customer_id="a", channel="phone", purpose="service"),
        ReviewSubmitted(review_id="v-1", customer_id="a", rating=2),
        RecoveryGranted(recovery_id="y-1", customer_id="a", offer="apology", reason="late"),
    )  # fmt: skip
    await shop.pass_time(seconds=60)


async def tiers(shop: Any) -> dict[str, int]:
    async with shop.database.reading() as session:
        return {tier: customers for tier, customers, _ in await count_tiers(session)}


async def test_the_survivor_is_worth_what_both_were_and_undoing_parts_it(shop: Any) -> None:
    await two_customers(shop)
    before = [await shop.state(id) for id in "ab"]
    assert await tiers(shop) == {"key": 1, "small": 1}
    assert before[0]["price_band"] == {}

    told = await shop.tell(CustomersMerged(**MERGE))

    assert {(each.customer_id, each.previous_tier, each.tier) for each in told} == {
        ("a", "key", None),
        ("b", "small", "key"),
    }
    assert {each.reason for each in told} == {"merge"}
    assert await tiers(shop) == {"key": 1}
    assert await shop.measures("b") == {"orders_365d": 2, "margin_365d": 3900}
    whole = await shop.state("a")
    assert whole["customer_id"] == "b"
    assert whole["cost_to_serve"]["amount"] == 500 + 400 + 300
    assert (whole["support"]["last_satisfaction"], whole["support"]["recoveries"]) == (2, 1)
    assert (whole["engagement"]["sent_30d"], whole["price_band"]) == (1, {"Kitchen": [1000, 1000]})

    await shop.tell(MergeUndone(**MERGE))
    assert [await shop.state(id) for id in "ab"] == before


async def test_what_happens_to_who_was_merged_away_moves_the_survivor(shop: Any) -> None:
    await two_customers(shop)
    await shop.tell(CustomersMerged(**MERGE))
    await shop.tell(*bought("o-3", "a", 500))
    assert await shop.measures("b") == {"orders_365d": 3, "margin_365d": 4400}
    assert await shop.measures("a") == {"orders_365d": 0, "margin_365d": 0}
    await shop.pass_time(days=366)
    assert await shop.measures("b") == {"orders_365d": 0, "margin_365d": 0}


async def test_a_price_that_comes_late_is_worth_something(shop: Any) -> None:
    placed, paid = bought("o-1", "c-1", 1000)
    assert isinstance(placed, OrderPlaced)
    await shop.tell(placed.model_copy(update={"base_total": None}), paid)
    assert (await shop.measures("c-1"))["margin_365d"] == 0
    priced = OrderPriced(
        order_id="o-1", customer_id="c-1", currency="EUR", lines=placed.lines, total=1000,
        base_total=800, base_cost=300, refunded_more=0, refunded_cost_more=0,
    )  # fmt: skip
    await shop.tell(priced)
    assert (await shop.measures("c-1"))["margin_365d"] == 500


async def test_who_was_erased_is_worth_nothing_whatever_comes_later(shop: Any) -> None:
    await two_customers(shop)
    async with shop.database.transaction() as session:
        await session.execute(
            text("UPDATE customers SET erased_at = :now WHERE customer_id = 'a'"),
            {"now": shop.clock()},
        )
        await erase(session, HOLDINGS, ["a"])
    assert await tiers(shop) == {"small": 1}
    await shop.tell(*bought("o-3", "a", 90_000))
    await shop.pass_time(days=1)
    assert await tiers(shop) == {"key": 1}
    assert await shop.measures("a") == {"orders_365d": 0, "margin_365d": 0}
