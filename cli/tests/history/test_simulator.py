"""The simulated shop: repeatable, lawful, and true to the stories that it claims to follow."""

import math
import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import fmean, stdev
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial_cli.history.behaviour import (
    PLANT_SHOP,
    BuyingModel,
    draw_order_value,
    draw_rhythm,
    generator,
    repeat_gaps,
)
from perennial_cli.history.catalogue import BY_SLUG, PRODUCTS
from perennial_cli.history.shop import History, Item, Kind, totals_of
from perennial_cli.history.simulator import simulate

AS_OF = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

SMALL_SHOPS = st.builds(
    simulate,
    seed=st.integers(0, 10_000),
    customers=st.integers(1, 12),
    as_of=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis wants bounds without a zone
    weeks=st.integers(1, 60),
)


@pytest.fixture(scope="module")
def shop() -> History:
    return simulate(as_of=AS_OF)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def expected_repeats(model: BuyingModel, weeks: float) -> float:
    """Mean repeat purchases by `weeks` (Fader, Hardie & Lee 2005, eq. 9), the series summed up."""
    r, alpha, a, b = model.r, model.alpha, model.a, model.b
    z = weeks / (alpha + weeks)
    term = total = 1.0
    for n in range(100_000):
        term *= (r + n) * (b + n) / ((a + b - 1 + n) * (n + 1)) * z
        total += term
        if term < 1e-14:
            break
    return float((a + b - 1) / (a - 1) * (1 - (alpha / (alpha + weeks)) ** r * total))


def purchases_by(weeks: float, number: int) -> int:
    rng = generator(3, "expectation", number)
    at, count = 0.0, 0
    for gap in repeat_gaps(rng, draw_rhythm(rng, PLANT_SHOP)):
        at += gap
        if at > weeks:
            break
        count += 1
    return count


@pytest.mark.parametrize("weeks", [4, 13, 39])
def test_repeat_purchases_are_those_of_bg_nbd(weeks: float) -> None:
    counts = [purchases_by(weeks, number) for number in range(20_000)]
    error = stdev(counts) / math.sqrt(len(counts))
    assert fmean(counts) == pytest.approx(expected_repeats(PLANT_SHOP, weeks), abs=4 * error)


def test_order_values_are_those_of_gamma_gamma() -> None:
    rngs = [generator(5, "value", number) for number in range(20_000)]
    values = [draw_order_value(rng, draw_rhythm(rng, PLANT_SHOP), PLANT_SHOP) for rng in rngs]
    error = stdev(values) / math.sqrt(len(values))
    assert fmean(values) == pytest.approx(PLANT_SHOP.mean_order_value, abs=4 * error)


def test_baskets_are_worth_about_the_drawn_value(shop: History) -> None:
    orders = shop.of_kind(Kind.ORDER)
    totals = totals_of(orders)
    mean = totals.gross / totals.orders / 100
    assert mean == pytest.approx(PLANT_SHOP.mean_order_value, rel=0.15)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), customers=st.integers(1, 8), more=st.integers(1, 5))
def test_the_same_seed_tells_the_same_history_and_more_customers_only_add(
    seed: int, customers: int, more: int
) -> None:
    history = simulate(seed=seed, customers=customers, as_of=AS_OF)
    assert history == simulate(seed=seed, customers=customers, as_of=AS_OF)
    longer = simulate(seed=seed, customers=customers + more, as_of=AS_OF)
    own = {item.key for item in history.items}
    assert list(history.items) == [item for item in longer.items if item.key in own]


def test_another_seed_tells_another_history() -> None:
    histories = [simulate(seed=seed, customers=5, as_of=AS_OF) for seed in (1, 2)]
    ids = [
        {item.id for item in history.items if item.kind is not Kind.PRODUCT}
        for history in histories
    ]
    assert not ids[0] & ids[1]


@settings(max_examples=60, deadline=None)
@given(history=SMALL_SHOPS)
def test_items_are_in_order_unique_and_say_that_they_are_simulated(history: History) -> None:
    assert all(earlier.at <= later.at for earlier, later in pairwise(history.items))
    names = Counter((item.kind, item.id) for item in history.items)
    assert set(names.values()) == {1}
    for item in history.items:
        assert ID.fullmatch(item.id)
        assert item.id.startswith("sim-")
        assert says_simulated(item)


def says_simulated(item: Item) -> bool:
    body = item.body
    match item.kind:
        case Kind.PRODUCT | Kind.CUSTOMER:
            return body["attributes"]["simulated"] is True
        case Kind.ORDER:
            return bool(body["channel"] == "simulated")
        case Kind.CLICK:
            return body["properties"]["simulated"] is True
        case Kind.IDENTIFY:
            return body["traits"]["simulated"] is True
        case _:
            return str(body["text"]).startswith("[simulated] ")


@settings(max_examples=60, deadline=None)
@given(history=SMALL_SHOPS)
def test_nobody_acts_under_a_name_before_they_have_one(history: History) -> None:
    registered = {item.id: item.at for item in history.of_kind(Kind.CUSTOMER)}
    identified: dict[str, datetime] = {}
    for item in history.of_kind(Kind.CLICK, Kind.IDENTIFY):
        assert time_of(item.body["timestamp"]) <= item.at
        if item.kind is Kind.IDENTIFY:
            identified.setdefault(item.body["anonymousId"], item.at)
        if "userId" in item.body:
            assert item.at >= registered[item.body["userId"]]
            assert item.at >= identified[item.body["anonymousId"]]
    for item in history.of_kind(Kind.ORDER, Kind.COMPLAINT):
        assert item.at >= registered[item.key]


@settings(max_examples=60, deadline=None)
@given(history=SMALL_SHOPS)
def test_orders_go_only_as_far_as_the_history(history: History) -> None:
    end = max(item.at for item in history.items)
    skus = {item.id for item in history.of_kind(Kind.PRODUCT)}
    for order in history.of_kind(Kind.ORDER):
        body = order.body
        assert body["lines"]
        assert {line["sku"] for line in body["lines"]} <= skus
        assert len({line["sku"] for line in body["lines"]}) == len(body["lines"])
        assert all(line["quantity"] >= 1 for line in body["lines"])
        check_times(body, end + timedelta(weeks=61))
        check_status(body)


def check_times(body: dict[str, Any], end: datetime) -> None:
    """Placed, paid, shipped, delivered, asked back, refunded: in this order."""
    times = [body["placed_at"], body.get("paid_at")]
    for shipment in body.get("shipments", ()):
        times += [shipment["shipped_at"], shipment.get("delivered_at")]
    for back in body.get("returns", ()):
        times += [back["requested_at"], back.get("refunded_at")]
    happened = [time_of(text) for text in times if text is not None]
    assert happened == sorted(happened)
    assert happened[-1] <= end


def check_status(body: dict[str, Any]) -> None:
    delivered = any("delivered_at" in shipment for shipment in body.get("shipments", ()))
    assert (body["status"] in {"delivered", "completed"}) == delivered
    assert (body["status"] == "cancelled") == ("cancelled_at" in body)
    assert delivered or "returns" not in body
    assert body["status"] in {"placed", "cancelled"} or "paid_at" in body
    bought = {line["sku"]: line["quantity"] for line in body["lines"]}
    for back in body.get("returns", ()):
        assert all(1 <= line["quantity"] <= bought[line["sku"]] for line in back["lines"])


def test_nothing_happens_after_the_end(shop: History) -> None:
    assert max(item.at for item in shop.items) <= AS_OF
    texts = re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str([
        {key: value for key, value in item.body.items() if key != "shipments"} for item in shop.items
    ]))  # fmt: skip
    assert max(map(time_of, texts)) <= AS_OF


def test_the_default_shop_is_lively(shop: History) -> None:
    count = Counter(item.kind for item in shop.items)
    assert count[Kind.CUSTOMER] == 1000
    assert 3000 <= count[Kind.ORDER] <= 4500
    assert 25_000 <= count[Kind.CLICK] <= 40_000
    told = shop.of_kind(Kind.COMPLAINT)
    assert len(told) > sum("answered_at" in item.body for item in told) > 100
    assert sum("resolved_at" in item.body for item in told) > 100
    recent = {item.key for item in shop.of_kind(Kind.ORDER) if item.at > AS_OF - timedelta(days=30)}
    assert 100 < len(recent) < 500


def test_complements_are_bought_together(shop: History) -> None:
    baskets = [{line["sku"] for line in item.body["lines"]} for item in shop.of_kind(Kind.ORDER)]
    bought = Counter(sku for basket in baskets for sku in basket)
    lifts = []
    for product in PRODUCTS:
        if product.goes_with is not None and bought[product.sku] >= 20:
            other = BY_SLUG[product.goes_with].sku
            both = sum(product.sku in basket and other in basket for basket in baskets)
            lifts.append(both / bought[product.sku] / (bought[other] / len(baskets)))
    assert len(lifts) > 20
    assert min(lifts) > 2


def test_late_deliveries_bring_complaints_and_unresolved_ones_cost_customers(shop: History) -> None:
    complained = {item.body["order_id"] for item in shop.of_kind(Kind.COMPLAINT)}
    resolved = {i.id for i in shop.of_kind(Kind.COMPLAINT) if "resolved_at" in i.body}
    ordered_at = defaultdict(list)
    for item in shop.of_kind(Kind.ORDER):
        ordered_at[item.key].append(item.at)
    share: dict[bool, list[bool]] = defaultdict(list)
    for item in shop.of_kind(Kind.ORDER):
        for shipment in item.body.get("shipments", ()):
            late = shipment.get("delivered_at", "") > shipment["promised_at"]
            share[late].append(item.id in complained)
    assert fmean(share[True]) > 5 * fmean(share[False])
    came_back = defaultdict(list)
    for item in shop.of_kind(Kind.COMPLAINT):
        if item.at < AS_OF - timedelta(weeks=8):
            again = any(at > item.at for at in ordered_at[item.key])
            came_back[item.id in resolved].append(again)
    assert fmean(came_back[True]) > fmean(came_back[False])
