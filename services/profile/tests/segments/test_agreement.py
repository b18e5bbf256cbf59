"""SQL against a plain evaluator, and some customers against everybody: random rules, random histories."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import text

from perennial_events import Database, Event, Received, driver, seal
from perennial_events.catalogue import (
    Clicked,
    ComplaintOpened,
    OrderCancelled,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    VisitorIdentified,
)
from profile_service.segments import evaluation
from profile_service.segments.clauses import Clause, read_rule
from profile_service.segments.rules import RuleRefused, check_rule
from profile_service.segments.testing import DAY, Happened, Json, World, fits
from profile_service.state.projection import CUSTOMER_STATE, project

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


# What happened

CUSTOMERS = ["c-1", "c-2", "c-3", "c-4"]
some_customer = st.sampled_from(["c-1", "c-1", "c-1", "c-2", "c-3"])
some_visitor = st.sampled_from(["a-1", "a-2"])
# Days and half days, so that what happens meets the ends of windows to the microsecond.
# Most of it lies close together, for the same reason.
moment = st.builds(
    lambda halves: BEGIN + halves * DAY / 2,
    st.integers(0, 12) | st.integers(0, 16) | st.integers(0, 240),
)
some_sku = st.sampled_from(["mug", "tea"])
some_name = st.sampled_from(["product_viewed", "product_added"])
some_order = st.sampled_from([("o-1", "c-1"), ("o-2", "c-1"), ("o-3", "c-2"), ("o-4", "c-3")])


def _clicked(who: Json, name: str, sku: str, price: Any) -> Clicked:
    properties: Json = {"category": "Kitchen" if sku == "mug" else "Drinks"}
    if price is not None:
        properties["price"] = price
    return Clicked(name=name, sku=sku, properties=properties, **who)


def _placed(order: tuple[str, str], total: int) -> OrderPlaced:
    line = OrderLine(sku="mug", quantity=1, unit_price=total, category="Kitchen")
    return OrderPlaced(
        order_id=order[0], customer_id=order[1], currency="EUR", lines=[line], items=total,
        discount=0, shipping=0, total=total, base_total=total, base_cost=total // 3,
    )  # fmt: skip


def _paid(order: tuple[str, str]) -> OrderPaid:
    return OrderPaid(order_id=order[0], customer_id=order[1], currency="EUR", amount=1)


def _cancelled(order: tuple[str, str]) -> OrderCancelled:
    return OrderCancelled(order_id=order[0], customer_id=order[1], currency="EUR", refunded=0)


def _refunded(order: tuple[str, str], amount: int) -> OrderRefunded:
    return OrderRefunded(
        return_id="r", order_id=order[0], customer_id=order[1], currency="EUR", amount=amount,
        base_amount=amount, lines=[],
    )  # fmt: skip


def _complained(number: int, customer: str) -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=f"k-{number}", case_id=f"case-{number}", customer_id=customer,
        category="delivery", severity="minor", channel="email",
    )  # fmt: skip


somebody = st.one_of(
    st.builds(lambda id: {"customer_id": id}, some_customer),
    st.builds(lambda id: {"anonymous_id": id}, some_visitor),
)
some_event: st.SearchStrategy[Event] = st.one_of(
    st.builds(_clicked, somebody, some_name, some_sku, st.sampled_from([None, 5, 7.5, "five"])),
    st.builds(_clicked, somebody, some_name, some_sku, st.just(3)),
    st.builds(_paid, some_order),
    st.builds(_cancelled, some_order),
    st.builds(_refunded, some_order, st.integers(0, 50)),
    st.builds(_complained, st.integers(1, 4), st.just("c-1")),
    st.builds(
        lambda a, c: VisitorIdentified(anonymous_id=a, customer_id=c), some_visitor, some_customer
    ),
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    history = [
        Happened(*each)
        for each in draw(st.lists(st.tuples(some_event, moment), min_size=8, max_size=40))
    ]
    # An order is placed once, before it is anything else.
    ordered = {order for each in history if (order := getattr(each.event, "order_id", None))}
    placed = {"o-1": "c-1", "o-2": "c-1", "o-3": "c-2", "o-4": "c-3"}
    history = [
        Happened(_placed((id, placed[id]), draw(st.integers(1, 99))), draw(moment))
        for id in sorted(ordered)
    ] + history
    return World(
        history=history,
        merged=draw(st.sampled_from([{}, {"c-2": "c-1"}, {"c-2": "c-1", "c-3": "c-1"}])),
        described={
            id: {
                "country": draw(st.sampled_from([None, "DE", "NL"])),
                "attributes": draw(
                    st.dictionaries(
                        st.sampled_from(["tier", "size"]),
                        st.sampled_from(["gold", "go", 3, 4.5, True, None, ["gold", 3]]),
                    )
                ),
            }
            for id in CUSTOMERS
        },
        now=BEGIN + draw(st.integers(0, 24) | st.integers(0, 260)) * DAY / 2,
    )


# Rules

comparison = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
period = st.sampled_from(["12h", "1d", "3d", "30d", "9w"])
field_clauses = st.one_of(
    st.builds(
        lambda name, op, value: {"field": name, "op": op, "value": value},
        st.sampled_from(
            [
                *("orders.count", "orders.net", "orders.average", "rfm.recency_days"),
                *("clicks.total", "clicks.last_30d", "clicks.carts_abandoned"),
                "support.complaints_90d",
            ]
        ),
        comparison,
        st.integers(0, 60) | st.integers(0, 3) | st.just(1.5),
    ),
    st.builds(
        lambda name, value: {"field": name, "op": "within", "value": value},
        st.sampled_from(["orders.last_at", "clicks.last_seen_at", "orders.first_at"]),
        period,
    ),
    st.builds(
        lambda op, at: {"field": "orders.last_at", "op": op, "value": at.isoformat()},
        st.sampled_from(["<", "<=", ">", ">="]),
        moment,
    ),
    st.sampled_from(
        [
            {"field": "country", "op": "=", "value": "DE"},
            {"field": "country", "op": "!=", "value": "DE"},
            {"field": "country", "op": "in", "value": ["DE", "FR"]},
            {"field": "country", "op": "not_in", "value": ["NL"]},
            {"field": "country", "op": "exists", "value": False},
            {"field": "stage", "op": "=", "value": "prospect"},
            {"attribute": "tier", "op": "=", "value": "gold"},
            {"attribute": "tier", "op": "!=", "value": 3},
            {"attribute": "tier", "op": "contains", "value": "go"},
            {"attribute": "size", "op": ">", "value": 3},
            {"attribute": "size", "op": "in", "value": [3, 4.5]},
            {"attribute": "size", "op": "exists", "value": True},
        ]
    ),
)
where = st.sampled_from(
    [
        {"sku": "mug"}, {"sku": ["tea", "milk"]}, {"category": "Kitchen"},
        {"properties": {"price": 5}}, {"sku": "tea", "properties": {"price": 7.5}},
    ]
)  # fmt: skip
counted_name = st.sampled_from(
    ["product_viewed", "product_viewed", "product_added", "order_placed", "order_paid"]
)


def _event_clause(name: str, **parts: Any) -> Json:
    return {"event": name, **{key: value for key, value in parts.items() if value is not None}}


def _following(name: str, where: Json | None, within: str) -> Json:
    return _event_clause(name, where=where, within=within)


maybe = st.none()
followings = st.builds(
    _following, counted_name, maybe | where, st.sampled_from(["12h", "1d", "36h"])
)
counts = st.builds(
    lambda op, n: {"op": op, "value": n}, comparison, st.integers(0, 2) | st.integers(0, 4)
)
sums = st.builds(
    lambda of, op, n: {"of": of, "op": op, "value": n},
    st.sampled_from(["price", "total"]),
    comparison,
    st.sampled_from([0, 5, 7.5, 12, 40]),
)


@st.composite
def event_clauses(draw: st.DrawFn) -> Json:
    parts: Json = {"within": draw(maybe | st.sampled_from(["4d", "30d", "9w"]))}
    parts["where"] = draw(maybe | where)
    parts[draw(st.sampled_from(["count", "sum"]))] = draw(maybe | counts)
    if parts.get("sum"):
        parts["sum"] = draw(sums)
    parts[draw(st.sampled_from(["followed_by", "not_followed_by"]))] = draw(maybe | followings)
    return _event_clause(draw(counted_name), **parts)


clauses = field_clauses | event_clauses()
rules = st.recursive(
    clauses | st.just({"segment": "other"}),
    lambda inner: st.one_of(
        st.builds(lambda some: {"all": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda some: {"any": some}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda one: {"not": one}, inner),
    ),
    max_leaves=5,
)


# The property


@pytest.fixture(scope="module")
async def database(migrated_url: Any) -> Any:
    database = Database(await migrated_url("profile"), source="/perennial/test")
    yield database
    await database.close()


async def build(database: Database, world: World) -> None:
    """The world as the service has it: the real projection, fed in one batch."""
    batch = [
        Received(event, seal(event, source="/perennial/test", time=at))
        for event, at in world.history
    ]
    async with database.transaction() as session:
        tables = ", ".join((*CUSTOMER_STATE.tables, "customers"))
        await session.execute(text(f"TRUNCATE {tables} CASCADE"))
        await project(session, batch)
        connection = await driver(session)
        await connection.executemany(
            "INSERT INTO customers (customer_id, registered, country, attributes)"
            " VALUES ($1, true, $2, $3)",
            [
                (id, each["country"], json.dumps(each["attributes"]))
                for id, each in world.described.items()
            ],
        )
        await connection.executemany(
            "INSERT INTO aliases VALUES ($1, $2, $3)",
            [(old, new, BEGIN) for old, new in world.merged.items()],
        )


def read(rule: Json, others: dict[str, Clause]) -> Clause:
    clause = read_rule(json.dumps(rule))
    check_rule(clause, "this", others)
    return clause


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds(), drawn=st.tuples(event_clauses(), event_clauses(), rules), other=clauses)
async def test_some_and_everybody_fit_as_the_plain_evaluator_says(
    database: Database, world: World, drawn: tuple[Json, ...], other: Json
) -> None:
    try:
        others = {"other": read(other, {})}
        compiled = [read(rule, others) for rule in drawn]
    except RuleRefused:
        return
    world.segments = {"other": other}
    await build(database, world)
    there = [id for id in CUSTOMERS if id not in world.merged]
    async with database.reading() as session:
        connection = await driver(session)
        for rule, clause in zip(drawn, compiled, strict=True):
            note(json.dumps(rule))
            expected = {id: fits(rule, id, world) for id in there}
            some = await evaluation.verdicts(connection, clause, others, world.now, CUSTOMERS)
            everybody = await evaluation.verdicts(connection, clause, others, world.now)
            assert {id: each.holds for id, each in some.items()} == expected
            assert everybody == some
            for id, verdict in some.items():
                holds_until(rule, id, world, verdict)


def holds_until(rule: Json, customer: str, world: World, verdict: evaluation.Verdict) -> None:
    """Nothing changes before `due`, or ever where there is none."""
    now, end = world.now, verdict.due or world.now + timedelta(days=400)
    assert end > now
    steps = [now + n * DAY / 2 for n in range(1, 800) if now + n * DAY / 2 < end]
    for at in [now + INSTANT, *steps, end - INSTANT]:
        world.now = at
        assert fits(rule, customer, world) is verdict.holds, f"it changes at {at}, due {end}"
    world.now = now
