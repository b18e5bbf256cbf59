"""A batch's facts become rows: one statement a table.

Rows are taken in key order, so that two workers that touch the same ones wait but never in a ring.
"""

import json

from perennial_events import Connection
from profile_service.state.changes import Facts

_ORDERS = """
    INSERT INTO order_facts AS f (
        order_id, customer_id, placed_at, paid_at, cancelled_at, total, cost, refunded,
        refunded_cost, returns, late, overdue_since, delivered_at, prices)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::timestamptz[],
        $4::timestamptz[], $5::timestamptz[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[],
        $10::integer[], $11::boolean[], $12::timestamptz[],
        $13::timestamptz[], $14::jsonb[])
    ON CONFLICT (order_id) DO UPDATE SET
        placed_at = coalesce(excluded.placed_at, f.placed_at),
        paid_at = coalesce(excluded.paid_at, f.paid_at),
        cancelled_at = coalesce(excluded.cancelled_at, f.cancelled_at),
        total = coalesce(excluded.total, f.total),
        cost = coalesce(excluded.cost, f.cost),
        refunded = f.refunded + excluded.refunded,
        refunded_cost = f.refunded_cost + excluded.refunded_cost,
        returns = f.returns + excluded.returns,
        late = f.late OR excluded.late,
        overdue_since = coalesce(excluded.overdue_since, f.overdue_since),
        delivered_at = coalesce(excluded.delivered_at, f.delivered_at),
        prices = coalesce(excluded.prices, f.prices)
"""

_CLICKS = """
    INSERT INTO click_days AS c (identity, day, clicks, last_at, last_added_at)
    SELECT * FROM unnest(
        $1::text[], $2::date[], $3::integer[],
        $4::timestamptz[], $5::timestamptz[])
    ON CONFLICT (identity, day) DO UPDATE SET
        clicks = c.clicks + excluded.clicks,
        last_at = greatest(c.last_at, excluded.last_at),
        last_added_at = greatest(c.last_added_at, excluded.last_added_at)
"""

_CASES = """
    INSERT INTO case_facts AS f (case_id, customer_id, open, opened_at)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::boolean[], $4::timestamptz[])
    ON CONFLICT (case_id) DO UPDATE SET
        open = excluded.open, opened_at = least(f.opened_at, excluded.opened_at)
"""

_COMPLAINTS = """
    INSERT INTO complaint_facts (complaint_id, customer_id, opened_at)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::timestamptz[])
    ON CONFLICT DO NOTHING
"""

_RETURNS = """
    INSERT INTO return_facts AS f (return_id, order_id, customer_id, received_at, lines)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[])
    ON CONFLICT (return_id) DO UPDATE SET
        received_at = coalesce(excluded.received_at, f.received_at),
        lines = coalesce(excluded.lines, f.lines)
"""

_MESSAGES = """
    INSERT INTO message_facts AS f (
        message_id, customer_id, channel, sent_at, opened_at, clicked_at)
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[],
        $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
    ON CONFLICT (message_id) DO UPDATE SET
        sent_at = least(f.sent_at, excluded.sent_at),
        opened_at = least(f.opened_at, excluded.opened_at),
        clicked_at = least(f.clicked_at, excluded.clicked_at)
"""

_SATISFACTION = """
    INSERT INTO satisfaction_facts AS f (customer_id, at, event_id, level)
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::uuid[], $4::integer[])
    ON CONFLICT (customer_id) DO UPDATE SET
        at = excluded.at, event_id = excluded.event_id, level = excluded.level
    WHERE (f.at, f.event_id) < (excluded.at, excluded.event_id)
"""

_RECOVERIES = """
    INSERT INTO recovery_facts (recovery_id, customer_id)
    SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT DO NOTHING
"""

_PRODUCTS = """
    INSERT INTO product_facts (sku, category)
    SELECT * FROM unnest($1::text[], $2::text[])
    ON CONFLICT (sku) DO UPDATE SET category = excluded.category
"""


async def store_orders(connection: Connection, facts: Facts) -> None:
    ids = sorted(facts.orders)
    changes = [facts.orders[id] for id in ids]
    await connection.execute(
        _ORDERS,
        ids,
        [change.customer_id for change in changes],
        [change.placed_at for change in changes],
        [change.paid_at for change in changes],
        [change.cancelled_at for change in changes],
        [change.total for change in changes],
        [change.cost for change in changes],
        [change.refunded for change in changes],
        [change.refunded_cost for change in changes],
        [change.returns for change in changes],
        [change.late for change in changes],
        [change.overdue_since for change in changes],
        [change.delivered_at for change in changes],
        [None if change.prices is None else json.dumps(change.prices) for change in changes],
    )


async def store_clicks(connection: Connection, facts: Facts) -> None:
    keys = sorted(facts.clicks)
    days = [facts.clicks[key] for key in keys]
    await connection.execute(
        _CLICKS,
        [identity for identity, _ in keys],
        [day for _, day in keys],
        [day.clicks for day in days],
        [day.last_at for day in days],
        [day.last_added_at for day in days],
    )


async def store_complaints(connection: Connection, facts: Facts) -> None:
    cases = sorted(facts.cases)
    await connection.execute(
        _CASES,
        cases,
        [facts.cases[id].customer_id for id in cases],
        [facts.cases[id].is_open for id in cases],
        [facts.cases[id].opened_at for id in cases],
    )
    if facts.complaints:
        ids = sorted(facts.complaints)
        await connection.execute(
            _COMPLAINTS,
            ids,
            [facts.complaints[id][0] for id in ids],
            [facts.complaints[id][1] for id in ids],
        )


async def store_returns(connection: Connection, facts: Facts) -> None:
    ids = sorted(facts.returns)
    changes = [facts.returns[id] for id in ids]
    await connection.execute(
        _RETURNS,
        ids,
        [change.order_id for change in changes],
        [change.customer_id for change in changes],
        [change.received_at for change in changes],
        [None if change.lines is None else json.dumps(change.lines) for change in changes],
    )


async def store_messages(connection: Connection, facts: Facts) -> None:
    ids = sorted(facts.messages)
    changes = [facts.messages[id] for id in ids]
    await connection.execute(
        _MESSAGES,
        ids,
        [change.customer_id for change in changes],
        [change.channel for change in changes],
        [change.sent_at for change in changes],
        [change.opened_at for change in changes],
        [change.clicked_at for change in changes],
    )


async def store_support(connection: Connection, facts: Facts) -> None:
    """What support did and heard beside cases: satisfaction and recoveries."""
    customers = sorted(facts.satisfaction)
    said = [facts.satisfaction[id] for id in customers]
    await connection.execute(
        _SATISFACTION,
        customers,
        [each.at for each in said],
        [each.event_id for each in said],
        [each.level for each in said],
    )
    recoveries = sorted(facts.recoveries)
    await connection.execute(_RECOVERIES, recoveries, [facts.recoveries[id] for id in recoveries])


async def store_products(connection: Connection, facts: Facts) -> None:
    skus = sorted(facts.products)
    await connection.execute(_PRODUCTS, skus, [facts.products[sku] for sku in skus])
