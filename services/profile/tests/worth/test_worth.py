"""Score, tier, segment and cost to serve: what moves them, and what is told of it."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from perennial_events.catalogue import (
    ComplaintOpened,
    MessageClicked,
    MessageOpened,
    MessageSent,
    OrderCancelled,
    OrderLine,
    RecoveryGranted,
    ReturnLine,
    ReviewSubmitted,
    SurveyAnswered,
)
from profile_service.worth.service import count_segments, count_tiers
from profile_service.worth.testing import bought, placed_and_paid, sent_back

DAY = timedelta(days=1)

PREDICTED = text("""
    WITH fitted AS (
        INSERT INTO value_models (
            fitted_at, r, alpha, a, b, log_likelihood, identified, mean_value, minor_units,
            discount_rate, customers, calibration_end, as_of, pinned, calibration, tracking, seconds)
        VALUES (:now, 1, 1, 1, 2, 0, false, 0, 2, 0, 2, '2026-03-01', '2026-03-02', true, '{}', '{}', 1)
        RETURNING model
    )
    INSERT INTO predictions
    SELECT 'c-1', .9, 2, 40000, NULL, model, :now, '2026-03-02', '2026-03-02', 0, 0, 0 FROM fitted
""")
"""That c-1 will spend 400 euros, said by a model that is not in force."""


def complained(number: int, customer_id: str) -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=f"k-{number}", case_id=f"case-{number}", customer_id=customer_id,
        category="quality", severity="minor", channel="email",
    )  # fmt: skip


async def a_hundred_customers(shop: Any) -> None:
    """c-1 to c-100, who bought once for 10 to 1,000 euros."""
    await shop.tell(*(e for n in range(1, 101) for e in bought(f"o-{n}", f"c-{n}", n * 1000)))


async def test_tiers_are_one_four_fifteen_and_eighty_per_cent(shop: Any) -> None:
    await a_hundred_customers(shop)
    assert await shop.grade("c-100") == (None, None)
    told = await shop.pass_time(seconds=60)
    assert len(told) == 100
    assert {event.reason for event in told} == {"thresholds"}

    async with shop.database.reading() as session:
        tiers, segments = await count_tiers(session), await count_segments(session)

    assert {tier: n for tier, n, _ in tiers} == {"key": 1, "major": 4, "ordinary": 15, "small": 80}
    # Whoever bought for 40,500 or more would come to the first fifth's least, 81,000, with two orders.
    assert {segment: n for segment, n, _ in segments} == {
        "most_valuable": 20,
        "most_growable": 40,
        "standard": 40,
    }


async def test_prospects_have_no_grade_and_one_buyer_is_key(shop: Any) -> None:
    await shop.tell(complained(1, "c-1"))
    await shop.pass_time(seconds=60)
    state = await shop.state("c-1")
    assert (state["value_segment"], state["value_tier"], state["rfm"]["score"]) == (None,) * 3
    assert state["cost_to_serve"] == {"amount": 500, "currency": "EUR"}
    await shop.tell(*bought("o-1", "c-1", 5000))
    await shop.pass_time(seconds=60)
    assert await shop.grade("c-1") == ("most_valuable", "key")


async def test_an_order_moves_its_customer_by_the_stored_thresholds_at_once(shop: Any) -> None:
    await a_hundred_customers(shop)
    await shop.pass_time(seconds=60)
    [told] = await shop.tell(*bought("o-new", "c-1", 500_000))
    assert (told.previous_tier, told.tier) == ("small", "key")
    assert (told.previous_segment, told.segment) == ("standard", "most_valuable")
    assert (told.reason, told.margin) == ("activity", 501_000)
    assert await shop.tell(*bought("o-more", "c-1", 100)) == []


async def test_imported_history_moves_worth_and_says_that_it_is_history(shop: Any) -> None:
    await a_hundred_customers(shop)
    await shop.pass_time(seconds=60)
    await shop.tell(*bought("o-old", "c-1", 900_000), at=shop.clock() - DAY, imported=True)
    async with shop.database.reading() as session:
        rows = await session.execute(
            text("SELECT imported FROM outbox WHERE subject = 'c-1' ORDER BY id")
        )
        assert rows.scalars().all()[-1] is True


async def test_who_costs_more_than_they_bring_is_below_zero(shop: Any) -> None:
    await a_hundred_customers(shop)
    await shop.pass_time(seconds=60)
    told = await shop.tell(*(complained(n, "c-1") for n in range(3)))
    assert [(event.segment, event.cost_to_serve) for event in told] == [("below_zero", 1500)]
    assert (await shop.state("c-1"))["flags"] == ["problem_customer", "open_complaint"]
    # A case costs for 365 days: then it has been paid for, and nobody had to say so.
    told = await shop.pass_time(days=366)
    assert ("c-1", "expiry") in {(event.customer_id, event.reason) for event in told}
    assert (await shop.state("c-1"))["cost_to_serve"]["amount"] == 0


async def test_messages_are_counted_cost_and_expire(shop: Any) -> None:
    which: dict[str, Any] = {"customer_id": "c-1", "channel": "sms"}
    for number in range(100):
        await shop.tell(MessageSent(message_id=f"m-{number}", purpose="marketing", **which))
    opened = MessageOpened(message_id="m-1", **which)
    await shop.tell(opened, opened, MessageClicked(message_id="m-1", **which))
    state = await shop.state("c-1")
    assert state["engagement"] == {
        "sent_30d": 100,
        "opened_30d": 1,
        "clicked_30d": 1,
        "last_contacted_at": "2026-03-02T12:00:00Z",
    }
    assert state["cost_to_serve"]["amount"] == 700
    await shop.pass_time(days=31)
    assert (await shop.state("c-1"))["engagement"]["sent_30d"] == 0
    await shop.pass_time(days=335)
    assert (await shop.state("c-1"))["cost_to_serve"]["amount"] == 0


async def test_a_line_that_is_wholly_back_leaves_the_price_band(shop: Any) -> None:
    lines = [
        OrderLine(sku="cup", quantity=2, unit_price=300, category="Kitchen"),
        OrderLine(sku="cup", quantity=1, unit_price=900, category="Kitchen"),
        OrderLine(sku="pot", quantity=1, unit_price=500, category="Kitchen"),
    ]
    await shop.tell(*placed_and_paid("o-1", "c-1", lines, 2000))
    assert (await shop.state("c-1"))["price_band"] == {"Kitchen": [300, 900]}
    one = [ReturnLine(sku="cup", quantity=1)]
    await shop.tell(*sent_back("o-1", "c-1", 300, one, "r-1"))
    assert (await shop.state("c-1"))["price_band"] == {"Kitchen": [300, 900]}
    await shop.tell(*sent_back("o-1", "c-1", 300, one, "r-2"))
    assert (await shop.state("c-1"))["price_band"] == {"Kitchen": [500, 900]}
    state = await shop.state("c-1")
    assert (state["orders"]["net"]["amount"], state["orders"]["returns"]) == (1400, 2)
    assert state["cost_to_serve"]["amount"] == 800


async def test_goods_that_came_back_for_no_money_leave_the_price_band(shop: Any) -> None:
    mug = OrderLine(sku="mug", quantity=1, unit_price=400, category="Kitchen")
    await shop.tell(*placed_and_paid("o-1", "c-1", [mug], 400))
    await shop.tell(*sent_back("o-1", "c-1", 0, [ReturnLine(sku="mug", quantity=1)], "r-1"))
    assert (await shop.state("c-1"))["price_band"] == {}


async def test_a_cancelled_order_takes_the_grade_away(shop: Any) -> None:
    await shop.tell(*bought("o-1", "c-1", 5000))
    await shop.pass_time(seconds=60)
    cancelled = OrderCancelled(order_id="o-1", customer_id="c-1", currency="EUR", refunded=5000)
    [told] = await shop.tell(cancelled)
    assert (told.previous_tier, told.tier, told.segment) == ("key", None, None)
    assert await shop.grade("c-1") == (None, None)


async def test_predictions_are_followed_and_cost_of_goods_is_taken_off(shop: Any) -> None:
    await shop.tell(*bought("o-1", "c-1", 1000, cost=750), *bought("o-2", "c-2", 1000))
    await shop.pass_time(seconds=60)
    async with shop.database.transaction() as session:
        await session.execute(PREDICTED, {"now": shop.clock()})
    told = await shop.pass_time(seconds=60)
    # A quarter of what c-1 spends is margin: 100 euros of the 400 predicted.
    assert [(each.customer_id, each.expected_margin, each.reason) for each in told] == [
        ("c-1", 10_000, "prediction"),
        ("c-2", 1_000, "thresholds"),
    ]
    assert (await shop.grade("c-1"))[0] == "most_valuable"
    assert (await shop.state("c-1"))["orders"]["margin"]["amount"] == 250


async def test_an_order_without_a_rate_leaves_its_costs_out_too(shop: Any) -> None:
    placed, paid = bought("o-1", "c-1", 1000, cost=700)
    await shop.tell(placed.model_copy(update={"base_total": None}), paid)
    await shop.pass_time(seconds=60)
    state = await shop.state("c-1")
    assert state["orders"]["margin"]["amount"] == 0
    assert state["value_tier"] == "small"


async def test_scores_are_fifths_and_equals_stand_together(shop: Any) -> None:
    for number in range(1, 11):
        await shop.tell(
            *bought(f"o-{number}", f"c-{number}", 100 * number),
            at=shop.clock() - (11 - number) * DAY,
        )
    await shop.tell(*bought("o-11", "c-10", 50))
    await shop.pass_time(seconds=60)
    scores = [(await shop.state(f"c-{n}"))["rfm"]["score"] for n in range(1, 11)]
    assert scores == ["111", "111", "212", "212", "313", "313", "414", "414", "515", "555"]


async def test_value_rises_and_falls_by_half_years(shop: Any) -> None:
    await shop.tell(*bought("o-1", "c-1", 1000))
    await shop.pass_time(days=200)
    assert "value_falling" in (await shop.state("c-1"))["flags"]
    await shop.tell(*bought("o-2", "c-1", 1100))
    assert not {"value_falling", "value_rising"} & set((await shop.state("c-1"))["flags"])
    await shop.tell(*bought("o-3", "c-1", 300))
    assert "value_rising" in (await shop.state("c-1"))["flags"]


async def test_satisfaction_is_the_latest_and_recoveries_are_counted(shop: Any) -> None:
    now = shop.clock()
    await shop.tell(ReviewSubmitted(review_id="v-1", customer_id="c-1", rating=2), at=now)
    await shop.tell(ReviewSubmitted(review_id="v-0", customer_id="c-1", rating=5), at=now - DAY)
    await shop.tell(
        SurveyAnswered(answer_id="a-1", survey="nps", customer_id="c-1", score=9),
        RecoveryGranted(recovery_id="y-1", customer_id="c-1", offer="apology", reason="late"),
        at=now + DAY,
    )
    support = (await shop.state("c-1"))["support"]
    assert (support["last_satisfaction"], support["recoveries"]) == (2, 1)
    await shop.tell(
        SurveyAnswered(answer_id="a-2", survey="csat", customer_id="c-1", score=4),
        at=now + 2 * DAY,
    )
    assert (await shop.state("c-1"))["support"]["last_satisfaction"] == 4


async def test_sums_beyond_any_amount_are_held_at_the_largest(shop: Any) -> None:
    await shop.tell(*(e for n in range(3) for e in bought(f"o-{n}", "c-1", 10**15)))
    await shop.pass_time(seconds=60)
    assert (await shop.state("c-1"))["orders"]["gross"]["amount"] == 10**15
    assert await shop.grade("c-1") == ("most_valuable", "key")
