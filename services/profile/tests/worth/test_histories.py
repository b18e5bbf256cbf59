"""Random histories, in any order of topics and cut anywhere: state and worth as a naive count has them."""

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perennial_events import Database, Event, Received, seal
from perennial_events.catalogue import (
    ComplaintOpened,
    ComplaintResolved,
    MessageOpened,
    MessageSent,
    OrderCancelled,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    ReturnLine,
    ReturnReceived,
    ReviewSubmitted,
)
from perennial_events.rebuild import checksum
from perennial_events.reordering import cut, interleaved
from profile_service.settings import COST_OF_1000_MESSAGES
from profile_service.state.projection import CUSTOMER_STATE

CUSTOMERS = ("c-1", "c-2", "c-3", "c-4")
SKUS = {"mug": "Kitchen", "pan": "Kitchen", "rug": "Home", "nut": None}
RATES = {"EUR": 1, "USD": 2, "JPY": 7, "KWD": None}
"""So many minor units make a euro cent; nobody loaded a rate of the dinar."""


@dataclass
class Order:
    """An order with all that came of it, as the naive count reads it."""

    order_id: str
    customer_id: str
    days_ago: int
    currency: str
    lines: list[tuple[str, int, int]]
    paid: bool
    cancelled: bool
    cost_share: int | None
    taken_back: list[list[tuple[str, int]]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(quantity * price for _, quantity, price in self.lines)

    @property
    def base_total(self) -> int | None:
        rate = RATES[self.currency]
        return None if rate is None else self.total // rate

    @property
    def base_cost(self) -> int | None:
        share = self.cost_share
        return (
            None if share is None else sum(q * price * share // 100 for _, q, price in self.lines)
        )

    def worth_of(self, lines: list[tuple[str, int]], unit: Any) -> int:
        """What these goods came to, taken from the first lines that hold them."""
        left, value = dict(lines), 0
        for sku, quantity, price in self.lines:
            taken = min(left.get(sku, 0), quantity)
            left[sku] = left.get(sku, 0) - taken
            value += taken * unit(price)
        return value

    def refunds(self) -> list[tuple[int | None, int | None]]:
        """Of each return, the money in the base currency and what its goods had cost."""
        rate, share = RATES[self.currency], self.cost_share
        return [
            (
                None if rate is None else self.worth_of(lines, lambda p: p) // rate,
                None if share is None else self.worth_of(lines, lambda p: p * share // 100),
            )
            for lines in self.taken_back
        ]


def distinct(lines: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return list(dict(lines).items())


@st.composite
def orders(draw: st.DrawFn) -> list[Order]:
    found = []
    for number in range(draw(st.integers(1, 7))):
        lines = draw(
            st.lists(
                st.tuples(st.sampled_from(list(SKUS)), st.integers(1, 3), st.integers(1, 900)),
                min_size=1,
                max_size=4,
            )
        )
        order = Order(
            f"o-{number}",
            draw(st.sampled_from(CUSTOMERS)),
            draw(st.sampled_from([0, 3, 100, 181, 182, 200, 364, 365, 366, 800])),
            draw(st.sampled_from(list(RATES))),
            lines,
            paid=draw(st.booleans()) or draw(st.booleans()),
            cancelled=draw(st.integers(0, 5)) == 0,
            cost_share=draw(st.sampled_from([None, 40, 130])),
        )
        held = Counter[str]()
        for sku, quantity, _ in lines:
            held[sku] += quantity
        for _ in range(draw(st.integers(0, 2)) if order.paid and not order.cancelled else 0):
            wanted = distinct(
                draw(st.lists(st.tuples(st.sampled_from(sorted(held)), st.integers(1, 3))))
            )
            back = [(sku, min(n, held[sku])) for sku, n in wanted if held[sku]]
            if back:
                held.subtract(dict(back))
                order.taken_back.append(back)
        found.append(order)
    return found


Happened = tuple[int, Event]
"""How many days ago, and what."""


def told_of(order: Order) -> list[Happened]:
    whose: dict[str, Any] = {"order_id": order.order_id, "customer_id": order.customer_id}
    money: dict[str, Any] = {**whose, "currency": order.currency}
    ago = order.days_ago
    lines = [
        OrderLine(sku=sku, quantity=quantity, unit_price=price, category=SKUS[sku])
        for sku, quantity, price in order.lines
    ]
    base: dict[str, Any] = {"base_total": order.base_total, "base_cost": order.base_cost}
    amounts: dict[str, Any] = {
        "items": order.total,
        "total": order.total,
        "discount": 0,
        "shipping": 0,
    }
    events: list[Happened] = [(ago, OrderPlaced(**money, lines=lines, **amounts, **base))]
    if order.paid:
        events.append((ago, OrderPaid(**money, amount=order.total, base_amount=order.base_total)))
    if order.cancelled:
        events.append((ago, OrderCancelled(**money, refunded=0)))
    for number, (back, refund) in enumerate(zip(order.taken_back, order.refunds(), strict=True)):
        returned = [ReturnLine(sku=sku, quantity=quantity) for sku, quantity in back]
        which: dict[str, Any] = {"return_id": f"{order.order_id}-{number}", "lines": returned}
        amount, cost = refund
        paid_back: dict[str, Any] = {
            "amount": amount or 0,
            "base_amount": amount,
            "base_cost": cost,
        }
        events.append((ago, ReturnReceived(**whose, **which, kind="refund")))
        events.append((ago, OrderRefunded(**money, **which, **paid_back)))
    return events


OTHERS = st.lists(
    st.tuples(
        st.sampled_from(["case", "case resolved", "sms", "email opened", "review"]),
        st.sampled_from(CUSTOMERS),
        st.sampled_from([0, 29, 30, 31, 89, 90, 364, 365, 400]),
        st.integers(1, 5),
    ),
    max_size=8,
)


def told_beside(others: Sequence[tuple[str, str, int, int]]) -> list[Happened]:
    events: list[Happened] = []
    for number, (what, customer_id, ago, rating) in enumerate(others):
        case: dict[str, Any] = {
            "case_id": f"case-{number}", "customer_id": customer_id, "category": "other",
        }  # fmt: skip
        message: dict[str, Any] = {
            "message_id": f"m-{number}", "customer_id": customer_id,
            "channel": "sms" if what == "sms" else "email",
        }  # fmt: skip
        if what.startswith("case"):
            opened = ComplaintOpened(
                **case, complaint_id=f"k-{number}", severity="minor", channel="email"
            )
            events.append((ago, opened))
            if what == "case resolved":
                events.append((ago, ComplaintResolved(**case)))
        elif what == "review":
            events.append(
                (ago, ReviewSubmitted(review_id=f"v-{number}", customer_id=customer_id, rating=rating))
            )  # fmt: skip
        else:
            events.append((ago, MessageSent(**message, purpose="service")))
            if what == "email opened":
                events.extend([(ago, MessageOpened(**message))] * 2)
    return events


class NaiveCount:
    """What every customer's state should be, by going through the history one by one."""

    def __init__(self, told: Sequence[Order], others: Sequence[Any]) -> None:
        self._told, self._others = told, others
        self.customers = {
            customer: self._measure(customer)
            for customer in CUSTOMERS
            if any(o.customer_id == customer for o in told) or any(o[1] == customer for o in others)
        }
        buyers = [each for each in self.customers.values() if each["count"]]
        self._tiers = [max(1, _place(buyers, "margin_365d", p)) for p in (0.01, 0.05, 0.20)]
        self._valuable = max(1, _place(buyers, "net_value", 0.20))
        self._frequent = max(2, _place(buyers, "orders_365d", 0.20))
        self._buyers = buyers

    def _measure(self, customer_id: str) -> dict[str, Any]:
        mine = [order for order in self._told if order.customer_id == customer_id]
        beside = [
            (what, ago, rating) for what, whose, ago, rating in self._others if whose == customer_id
        ]
        bought = [order for order in mine if order.paid and not order.cancelled]
        priced = [order for order in bought if order.base_total is not None]
        refunded = {o.order_id: sum(r or 0 for r, _ in o.refunds()) for o in priced}
        margins = {
            o.order_id: (o.base_total or 0)
            - refunded[o.order_id]
            - (0 if o.base_cost is None else o.base_cost - sum(c or 0 for _, c in o.refunds()))
            for o in priced
        }
        year = [order for order in bought if order.days_ago < 365]
        margin_365d = sum(margins.get(order.order_id, 0) for order in year)
        cost = sum(500 for what, ago, _ in beside if what.startswith("case") and ago < 365)
        cost += sum(400 * len(order.taken_back) for order in mine if order.days_ago < 365)
        thousandths = sum(
            COST_OF_1000_MESSAGES["sms" if what == "sms" else "email"]
            for what, ago, _ in beside
            if what in {"sms", "email opened"} and ago < 365
        )
        cost += math.floor(thousandths / 1000 + 0.5)
        return {
            "count": len(bought),
            "gross": sum(order.base_total or 0 for order in priced),
            "refunded": sum(refunded.values()),
            "margin": sum(margins.values()),
            "returns": sum(len(order.taken_back) for order in mine),
            "last": min((order.days_ago for order in bought), default=None),
            "net": sum((o.base_total or 0) - refunded[o.order_id] for o in priced),
            "orders_365d": len(year),
            "margin_365d": margin_365d,
            "cost_to_serve": cost,
            "net_value": margin_365d - cost,
            "price_band": _price_band(priced),
            "open_cases": sum(what == "case" for what, _, _ in beside),
            "complaints_90d": sum(w.startswith("case") and ago < 90 for w, ago, _ in beside),
            "sent_30d": sum(w in {"sms", "email opened"} and ago < 30 for w, ago, _ in beside),
            "opened_30d": sum(w == "email opened" and ago < 30 for w, ago, _ in beside),
            "satisfied": {
                rating
                for what, ago, rating in beside
                if what == "review" and ago == min(a for w, a, _ in beside if w == "review")
            },
        }

    def grades(self, customer_id: str) -> tuple[str | None, str | None, str | None]:
        """Score, segment and tier."""
        own = self.customers[customer_id]
        if not own["count"]:
            return None, None, None
        tier = "small"
        for name, least in zip(("key", "major", "ordinary"), self._tiers, strict=True):
            if own["margin_365d"] >= least:
                tier = name
                break
        return self._score(own), self._segment(own), tier

    def _segment(self, own: dict[str, Any]) -> str:
        if own["net_value"] < 0:
            return "below_zero"
        if own["net_value"] >= self._valuable:
            return "most_valuable"
        if own["orders_365d"]:
            as_often = own["margin_365d"] * self._frequent / own["orders_365d"]
            if as_often - own["cost_to_serve"] >= self._valuable:
                return "most_growable"
        return "standard"

    def _score(self, own: dict[str, Any]) -> str:
        digits = ""
        for measure, sign in (("last", -1), ("count", 1), ("net", 1)):
            values = sorted(sign * each[measure] for each in self._buyers)
            bounds = [values[math.ceil(len(values) * p) - 1] for p in (0.2, 0.4, 0.6, 0.8)]
            digits += str(1 + sum(bound < sign * own[measure] for bound in bounds))
        return digits


def _place(buyers: list[dict[str, Any]], measure: str, share: float) -> int:
    values = sorted((each[measure] for each in buyers), reverse=True)
    return int(values[math.ceil(len(values) * share) - 1]) if values else 0


def _price_band(priced: list[Order]) -> dict[str, list[int]]:
    prices = defaultdict[str, list[int]](list)
    for order in priced:
        back = Counter[str]()
        for lines in order.taken_back:
            back.update(dict(lines))
        for sku, quantity, price in order.lines:
            gone = min(back[sku], quantity)
            back[sku] -= gone
            category = SKUS[sku]
            if category is not None and gone < quantity and order.total:
                prices[category].append(price * (order.base_total or 0) // order.total)
    return {category: [min(found), max(found)] for category, found in prices.items()}


async def emptied(database: Database) -> None:
    async with database.transaction() as session:
        tables = ", ".join((*CUSTOMER_STATE.tables, "customers", "stages", "worth"))
        await session.execute(text(f"TRUNCATE {tables} CASCADE"))
        await session.execute(
            text("UPDATE value_thresholds SET computed_at = NULL, customers = 0, regrade_from = NULL")
        )  # fmt: skip


async def tables_of(database: Database) -> dict[str, str]:
    async with database.reading() as session:
        return {table: await checksum(session, table) for table in CUSTOMER_STATE.tables}


@pytest.fixture
def at() -> datetime:
    return datetime.fromisoformat("2026-03-02T12:00:00Z")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=orders(), others=OTHERS, data=st.data())
async def test_state_and_worth_are_what_a_naive_count_comes_to(
    shop: Any, at: datetime, told: list[Order], others: list[Any], data: st.DataObject
) -> None:
    happened = [*(event for order in told for event in told_of(order)), *told_beside(others)]
    history = [
        Received(event, seal(event, source="/t", time=at - timedelta(days=ago, seconds=60)))
        for ago, event in happened
    ]
    await emptied(shop.database)
    shop.clock.now = at
    await shop.apply(history)
    at_once = await tables_of(shop.database)

    await emptied(shop.database)
    shop.clock.now = at - timedelta(seconds=120)
    for batch in cut(data, interleaved(data, history)):
        await shop.apply(batch)
        if data.draw(st.integers(0, 4)) == 0:
            await shop.pass_time(seconds=0)
    assert await tables_of(shop.database) == at_once
    await shop.pass_time(seconds=120)

    naive = NaiveCount(told, others)
    for customer_id, own in naive.customers.items():
        state = await shop.state(customer_id)
        orders, support = state["orders"], state["support"]
        found = {
            "count": orders["count"],
            "gross": orders["gross"]["amount"],
            "refunded": orders["refunded"]["amount"],
            "margin": orders["margin"]["amount"],
            "returns": orders["returns"],
            "cost_to_serve": state["cost_to_serve"]["amount"],
            "price_band": state["price_band"],
            "open_cases": support["open_cases"],
            "complaints_90d": support["complaints_90d"],
            "sent_30d": state["engagement"]["sent_30d"],
            "opened_30d": state["engagement"]["opened_30d"],
        }
        found |= await shop.measures(customer_id)
        assert found == {name: own[name] for name in found}
        assert (support["last_satisfaction"] in own["satisfied"]) or not own["satisfied"]
        grades = (state["rfm"]["score"], state["value_segment"], state["value_tier"])
        assert grades == naive.grades(customer_id)
