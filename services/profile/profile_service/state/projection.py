"""The projection `customer_state`: a batch's facts become rows, one statement a table."""

import json
from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Event, Projection, Received, driver
from profile_service.state.facts import GATHERERS, Facts, gather

# Rows are taken in key order, so that two workers that touch the same ones wait but never in a ring.

_ORDERS = text("""
    INSERT INTO order_facts AS f (
        order_id, customer_id, placed_at, paid_at, cancelled_at, total, cost, refunded,
        refunded_cost, returns, late, overdue_since, delivered_at, prices)
    SELECT * FROM unnest(
        CAST(:order_ids AS text[]), CAST(:customer_ids AS text[]), CAST(:placed AS timestamptz[]),
        CAST(:paid AS timestamptz[]), CAST(:cancelled AS timestamptz[]), CAST(:totals AS bigint[]),
        CAST(:costs AS bigint[]), CAST(:refunded AS bigint[]), CAST(:refunded_costs AS bigint[]),
        CAST(:returns AS integer[]), CAST(:late AS boolean[]), CAST(:overdue AS timestamptz[]),
        CAST(:delivered AS timestamptz[]), CAST(:prices AS jsonb[]))
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
""")

_CLICKS = text("""
    INSERT INTO click_days AS c (identity, day, clicks, last_at, last_added_at)
    SELECT * FROM unnest(
        CAST(:identities AS text[]), CAST(:days AS date[]), CAST(:clicks AS integer[]),
        CAST(:last AS timestamptz[]), CAST(:added AS timestamptz[]))
    ON CONFLICT (identity, day) DO UPDATE SET
        clicks = c.clicks + excluded.clicks,
        last_at = greatest(c.last_at, excluded.last_at),
        last_added_at = greatest(c.last_added_at, excluded.last_added_at)
""")

_CASES = text("""
    INSERT INTO case_facts (case_id, customer_id, open)
    SELECT * FROM unnest(
        CAST(:case_ids AS text[]), CAST(:customer_ids AS text[]), CAST(:open AS boolean[]))
    ON CONFLICT (case_id) DO UPDATE SET open = excluded.open
""")

_COMPLAINTS = text("""
    INSERT INTO complaint_facts (complaint_id, customer_id, opened_at)
    SELECT * FROM unnest(
        CAST(:ids AS text[]), CAST(:customer_ids AS text[]), CAST(:at AS timestamptz[]))
    ON CONFLICT DO NOTHING
""")

_ALIASES = text("""
    INSERT INTO aliases AS a (identity, customer_id, at)
    SELECT * FROM unnest(
        CAST(:identities AS text[]), CAST(:customer_ids AS text[]), CAST(:at AS timestamptz[]))
    ON CONFLICT (identity) DO UPDATE SET customer_id = excluded.customer_id, at = excluded.at
    WHERE (a.at, a.customer_id) <= (excluded.at, excluded.customer_id)
""")

_PRODUCTS = text("""
    INSERT INTO product_facts (sku, category)
    SELECT * FROM unnest(CAST(:skus AS text[]), CAST(:categories AS text[]))
    ON CONFLICT (sku) DO UPDATE SET category = excluded.category
""")


async def project(session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
    """Apply a batch to state and timeline."""
    facts = gather(batch)
    if facts.orders:
        await _store_orders(session, facts)
    if facts.clicks:
        await _store_clicks(session, facts)
    if facts.cases or facts.complaints:
        await _store_complaints(session, facts)
    if facts.aliases:
        await _store_aliases(session, facts)
    if facts.products:
        skus = sorted(facts.products)
        categories = [facts.products[sku] for sku in skus]
        await session.execute(_PRODUCTS, {"skus": skus, "categories": categories})
    if facts.timeline:
        connection = await driver(session)
        await connection.copy_records_to_table("timeline", records=facts.timeline)


async def _store_orders(session: AsyncSession, facts: Facts) -> None:
    ids = sorted(facts.orders)
    changes = [facts.orders[id] for id in ids]
    await session.execute(
        _ORDERS,
        {
            "order_ids": ids,
            "customer_ids": [change.customer_id for change in changes],
            "placed": [change.placed_at for change in changes],
            "paid": [change.paid_at for change in changes],
            "cancelled": [change.cancelled_at for change in changes],
            "totals": [change.total for change in changes],
            "costs": [change.cost for change in changes],
            "refunded": [change.refunded for change in changes],
            "refunded_costs": [change.refunded_cost for change in changes],
            "returns": [change.returns for change in changes],
            "late": [change.late for change in changes],
            "overdue": [change.overdue_since for change in changes],
            "delivered": [change.delivered_at for change in changes],
            "prices": [
                None if change.prices is None else json.dumps(change.prices) for change in changes
            ],
        },
    )


async def _store_clicks(session: AsyncSession, facts: Facts) -> None:
    keys = sorted(facts.clicks)
    days = [facts.clicks[key] for key in keys]
    await session.execute(
        _CLICKS,
        {
            "identities": [identity for identity, _ in keys],
            "days": [day for _, day in keys],
            "clicks": [day.clicks for day in days],
            "last": [day.last_at for day in days],
            "added": [day.last_added_at for day in days],
        },
    )


async def _store_complaints(session: AsyncSession, facts: Facts) -> None:
    cases = sorted(facts.cases)
    await session.execute(
        _CASES,
        {
            "case_ids": cases,
            "customer_ids": [facts.cases[id][0] for id in cases],
            "open": [facts.cases[id][1] for id in cases],
        },
    )
    if facts.complaints:
        ids = sorted(facts.complaints)
        await session.execute(
            _COMPLAINTS,
            {
                "ids": ids,
                "customer_ids": [facts.complaints[id][0] for id in ids],
                "at": [facts.complaints[id][1] for id in ids],
            },
        )


async def _store_aliases(session: AsyncSession, facts: Facts) -> None:
    identities = sorted(facts.aliases)
    await session.execute(
        _ALIASES,
        {
            "identities": identities,
            "customer_ids": [facts.aliases[identity][0] for identity in identities],
            "at": [facts.aliases[identity][1] for identity in identities],
        },
    )


CUSTOMER_STATE = Projection(
    name="customer_state",
    tables=(
        "aliases",
        "order_facts",
        "click_days",
        "case_facts",
        "complaint_facts",
        "product_facts",
        "timeline",
    ),
    subscribes=tuple(GATHERERS),
    apply=project,
)
