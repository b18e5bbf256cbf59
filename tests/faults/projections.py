"""Each projection against the truth that it follows from: the owner's tables, or the log's distinct events."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from perennial_events import Envelope
from perennial_events.catalogue import Clicked, ProductChanged
from perennial_events.catalogue.customers import MERGE
from perennial_events.identities import MERGES
from profile_service.state.facts import GATHERERS
from profile_service.state.identity import visitor

Connection: TypeAlias = "asyncpg.Connection[Any]"
Events = Mapping[UUID, Envelope]
Comparison = Callable[[Mapping[str, Connection], Events], Awaitable[list[str]]]

_ORDERS = """
    SELECT o.order_id, o.customer_id, o.placed_at, o.paid_at, o.cancelled_at, o.delivered_at,
           o.base_total AS total, o.base_cost AS cost, o.base_refunded AS refunded,
           (SELECT count(*) FROM returns r
            WHERE r.order_id = o.order_id AND r.received_at IS NOT NULL) AS returns,
           o.delivered_at IS NOT NULL AND EXISTS (
               SELECT FROM shipments s
               WHERE s.order_id = o.order_id AND s.delivered_at > s.promised_at) AS late
    FROM orders o
"""

_ORDER_FACTS = """
    SELECT order_id, customer_id, placed_at, paid_at, cancelled_at, delivered_at, total, cost,
           refunded, returns, late
    FROM order_facts
"""


async def order_facts(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    return differences(
        "order_facts",
        await _by_first(databases["orders"], _ORDERS),
        await _by_first(databases["profile"], _ORDER_FACTS),
    )


async def overdue(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    """Who was told of a delay is overdue since the promise."""
    told = "SELECT order_id, promised_at FROM shipments WHERE delay_told_at IS NOT NULL"
    facts = "SELECT order_id, overdue_since FROM order_facts WHERE overdue_since IS NOT NULL"
    return differences(
        "overdue orders",
        await _by_first(databases["orders"], told),
        await _by_first(databases["profile"], facts),
    )


async def case_facts(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    cases = "SELECT case_id, customer_id, status <> 'resolved' AS open FROM cases"
    return differences(
        "case_facts",
        await _by_first(databases["support"], cases),
        await _by_first(databases["profile"], "SELECT case_id, customer_id, open FROM case_facts"),
    )


async def complaint_facts(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    columns = "SELECT complaint_id, customer_id, opened_at FROM"
    return differences(
        "complaint_facts",
        await _by_first(databases["support"], f"{columns} complaints"),
        await _by_first(databases["profile"], f"{columns} complaint_facts"),
    )


async def click_days(databases: Mapping[str, Connection], events: Events) -> list[str]:
    """Each click of the log counts once, on its day."""
    truth: dict[Any, tuple[int, datetime, datetime | None]] = {}
    for envelope, data in await _clicks(databases["profile"], events):
        identity = visitor(data.get("customer_id"), data.get("anonymous_id"))
        key: tuple[str, date] = (identity, envelope.time.date())
        clicks, last, added = truth.get(key, (0, envelope.time, None))
        if data["name"] == "product_added":
            added = max(added or envelope.time, envelope.time)
        truth[key] = (clicks + 1, max(last, envelope.time), added)
    rows = await databases["profile"].fetch(
        "SELECT identity, day, clicks, last_at, last_added_at FROM click_days"
    )
    return differences("click_days", truth, {(r[0], r[1]): tuple(r)[2:] for r in rows})


async def timeline(databases: Mapping[str, Connection], events: Events) -> list[str]:
    """Each event about somebody stands in the timeline once, at its time.

    Merges, their undoing and the stages that follow stand in nobody's: what is undone leaves no trace.
    """
    types = {each.type for each in GATHERERS if each is not ProductChanged and each not in MERGES}
    withheld = await _withheld(databases["profile"])
    truth = Counter(
        (envelope.id, envelope.type, envelope.time)
        for envelope in events.values()
        if envelope.type in types
        and envelope.id not in withheld
        and from_json(envelope.data).get("reason") != MERGE
    )
    rows = await databases["profile"].fetch("SELECT event_id, type, at FROM timeline")
    return differences("timeline", truth, Counter(tuple(row) for row in rows))


async def customers(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    """Whoever ordered is a customer, and has a stage by their paid orders."""
    bought = await databases["orders"].fetch(
        "SELECT customer_id, bool_or(paid_at IS NOT NULL AND cancelled_at IS NULL)"
        " FROM orders GROUP BY 1"
    )
    stages = await databases["profile"].fetch(
        "SELECT customer_id, coalesce(stage, 'prospect') <> 'prospect'"
        " FROM customers LEFT JOIN stages USING (customer_id)"
    )
    wanted = {row[0]: (row[1],) for row in bought}
    found = {row[0]: (row[1],) for row in stages if row[0] in wanted}
    return differences("customers and stages", wanted, found)


async def baskets(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    orders = "SELECT order_id, customer_id, placed_at, cancelled_at IS NOT NULL FROM orders"
    held = "SELECT order_id, customer_id, placed_at, cancelled FROM baskets"
    return differences(
        "baskets",
        await _by_first(databases["orders"], orders),
        await _by_first(databases["recommend"], held),
    )


async def ordered(databases: Mapping[str, Connection], _events: Events) -> list[str]:
    """Which products each order holds."""
    lines = "SELECT order_id, array_agg(DISTINCT line ->> 'sku' ORDER BY line ->> 'sku')"
    wanted = f"{lines} FROM orders, jsonb_array_elements(lines) AS line GROUP BY 1"
    held = (
        "SELECT order_id, (SELECT array_agg(sku::text ORDER BY sku::text) FROM unnest(skus) AS sku)"
        " FROM baskets WHERE skus IS NOT NULL"
    )
    return differences(
        "ordered",
        await _by_first(databases["orders"], wanted),
        await _by_first(databases["recommend"], held),
    )


async def views(databases: Mapping[str, Connection], events: Events) -> list[str]:
    """How often each product was viewed, and put into a cart."""
    truth: dict[Any, Counter[str]] = {}
    for _, data in await _clicks(databases["recommend"], events):
        if "sku" in data and data["name"] in {"product_viewed", "product_added"}:
            truth.setdefault(data["sku"], Counter())[data["name"]] += 1
    wanted = {s: (count["product_viewed"], count["product_added"]) for s, count in truth.items()}
    sums = "SELECT sku, count(*) FILTER (WHERE NOT added), count(*) FILTER (WHERE added) FROM views GROUP BY 1"
    return differences("views", wanted, await _by_first(databases["recommend"], sums))


COMPARISONS: tuple[Comparison, ...] = (
    order_facts,
    overdue,
    case_facts,
    complaint_facts,
    click_days,
    timeline,
    customers,
    baskets,
    ordered,
    views,
)


def differences(what: str, truth: Mapping[Any, Any], found: Mapping[Any, Any]) -> list[str]:
    """One sentence where the two differ, with an example of each kind."""
    lost = truth.keys() - found.keys()
    unknown = found.keys() - truth.keys()
    other = [key for key in truth.keys() & found.keys() if truth[key] != found[key]]
    told = [
        f"{len(keys)} {how}, such as {keys[0]}"
        for how, keys in (("missing", list(lost)), ("too many", list(unknown)))
        if keys
    ]
    if other:
        example = other[0]
        told.append(f"{len(other)} differ, such as {example}: {truth[example]} is {found[example]}")
    return [f"{what}: {'; '.join(told)}"] if told else []


async def _by_first(connection: Connection, query: str) -> dict[Any, tuple[Any, ...]]:
    return {row[0]: tuple(row)[1:] for row in await connection.fetch(query)}


async def _withheld(connection: Connection) -> set[UUID]:
    """Events that an operator gave up: they change nothing."""
    return {row[0] for row in await connection.fetch("SELECT event_id FROM parked_events")}


async def _clicks(connection: Connection, events: Events) -> list[tuple[Envelope, dict[str, Any]]]:
    withheld = await _withheld(connection)
    return [
        (envelope, from_json(envelope.data))
        for envelope in events.values()
        if envelope.type == Clicked.type and envelope.id not in withheld
    ]
