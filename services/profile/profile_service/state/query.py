"""The states of customers, read from the projection in one statement."""

from collections.abc import Collection
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from perennial_events import Connection
from profile_service.worth.measuring import ORDER_MARGIN, YEAR

CART_ABANDONED_AFTER = "24 hours"
"""A day on which something was added to the cart, with no order within so long after the last addition."""

LATE_FLAG_LASTS = "30 days"
HALF_YEAR = "interval '182 days'"
CATEGORY_CLICKS = 100
"""Top categories are of so many last clicks on products."""

_MINE = "ANY (mine.identities)"

PREDICTION = """
    pr.first_day, pr.last_day, pr.repeats, pr.value_days, pr.value_sum, m.model, m.r, m.alpha, m.a, m.b,
    m.p, m.q, m.gamma, m.identified, m.mean_value, m.minor_units, m.discount_rate, m.pinned, m.as_of,
    m.fitted_at
"""
"""The history that a prediction is made of, and the model that makes it."""

_STATES = f"""
    SELECT asked.id AS asked, c.customer_id, c.erased_at, coalesce(s.stage, 'prospect') AS stage,
           coalesce(s.won_back, false) AS won_back, o.*, k.*, p.*, e.*, q.*,
           t.top_categories, b.price_band, w.score, w.value_segment, w.value_tier,
           coalesce(w.cost_to_serve, 0) AS cost_to_serve, f.*, {PREDICTION}
    FROM unnest($1::text[]) AS asked (id)
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT customer_id FROM aliases WHERE identity = asked.id COLLATE "C"),
                        asked.id) COLLATE "C" AS id
        OFFSET 0
    ) AS survivor
    CROSS JOIN LATERAL (
        SELECT ARRAY(SELECT survivor.id UNION ALL
                     SELECT identity FROM aliases WHERE customer_id = survivor.id) AS identities
        OFFSET 0
    ) AS mine
    JOIN customers c ON c.customer_id = survivor.id
    LEFT JOIN stages s USING (customer_id)
    LEFT JOIN worth w USING (customer_id)
    LEFT JOIN predictions pr USING (customer_id)
    LEFT JOIN value_models m ON m.model = pr.model
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE bought) AS order_count,
               coalesce(sum(total) FILTER (WHERE bought), 0) AS gross,
               coalesce(sum(refunded) FILTER (WHERE bought), 0) AS refunded,
               coalesce(sum(margin) FILTER (WHERE bought), 0) AS margin,
               min(at) FILTER (WHERE bought) AS first_order_at,
               max(at) FILTER (WHERE bought) AS last_order_at,
               coalesce(sum(margin) FILTER (
                   WHERE bought AND at > $2::timestamptz - {HALF_YEAR}), 0) AS margin_recent,
               coalesce(sum(margin) FILTER (
                   WHERE bought AND at > $2::timestamptz - 2 * {HALF_YEAR}
                     AND at <= $2::timestamptz - {HALF_YEAR}), 0) AS margin_before,
               count(*) FILTER (WHERE bought AND at > $2::timestamptz - {YEAR}) AS orders_365d,
               coalesce(sum(total) FILTER (
                   WHERE bought AND at > $2::timestamptz - {YEAR}), 0) AS gross_365d,
               coalesce(sum(refunded) FILTER (
                   WHERE bought AND at > $2::timestamptz - {YEAR}), 0) AS refunded_365d,
               coalesce(sum(returns) FILTER (
                   WHERE bought AND at > $2::timestamptz - {YEAR}), 0) AS returns_365d,
               coalesce(sum(returns), 0) AS returns,
               count(*) FILTER (WHERE late) AS late_deliveries,
               count(*) FILTER (WHERE bought AND total IS NULL) AS unpriced,
               coalesce(bool_or(
                   (late AND delivered_at > $2::timestamptz - interval '{LATE_FLAG_LASTS}')
                   OR (overdue_since IS NOT NULL AND delivered_at IS NULL AND cancelled_at IS NULL)
               ), false) AS late_now
        FROM (SELECT *, paid_at IS NOT NULL AND cancelled_at IS NULL AS bought,
                     coalesce(placed_at, paid_at) AS at, {ORDER_MARGIN} AS margin
              FROM order_facts f WHERE customer_id = {_MINE}) AS of_customer
    ) AS o
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(clicks), 0) AS clicks,
               coalesce(sum(clicks) FILTER (WHERE day > CAST($2::timestamptz AS date) - 30), 0) AS clicks_30d,
               max(last_at) AS last_seen_at,
               count(*) FILTER (
                   WHERE last_added_at < $2::timestamptz - interval '{CART_ABANDONED_AFTER}'
                     AND NOT EXISTS (
                         SELECT FROM order_facts
                         WHERE customer_id = {_MINE}
                           AND placed_at BETWEEN last_added_at - interval '1 hour'
                               AND last_added_at + interval '{CART_ABANDONED_AFTER}')
               ) AS carts_abandoned
        FROM click_days WHERE identity = {_MINE}
    ) AS k
    CROSS JOIN LATERAL (
        SELECT (SELECT count(*) FROM case_facts WHERE customer_id = {_MINE} AND open) AS open_cases,
               count(*) AS complaints,
               count(*) FILTER (WHERE opened_at > $2::timestamptz - interval '90 days') AS complaints_90d,
               count(*) FILTER (WHERE opened_at > $2::timestamptz - {YEAR}) AS complaints_365d
        FROM complaint_facts WHERE customer_id = {_MINE}
    ) AS p
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE sent_at > $2::timestamptz - interval '30 days') AS sent_30d,
               count(*) FILTER (WHERE opened_at > $2::timestamptz - interval '30 days') AS opened_30d,
               count(*) FILTER (WHERE clicked_at > $2::timestamptz - interval '30 days') AS clicked_30d,
               max(sent_at) AS last_contacted_at
        FROM message_facts WHERE customer_id = {_MINE}
    ) AS e
    CROSS JOIN LATERAL (
        SELECT (SELECT level FROM satisfaction_facts WHERE customer_id = {_MINE}
                ORDER BY at DESC, event_id DESC LIMIT 1) AS last_satisfaction,
               (SELECT count(*) FROM recovery_facts WHERE customer_id = {_MINE}) AS recoveries
    ) AS q
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(category ORDER BY n DESC, category), '{{}}') AS top_categories
        FROM (
            SELECT category, count(*) AS n
            -- Of each identity by itself, so that the index gives the last ones and not all are sorted; and
            -- each product by its key: a join would read the whole catalogue for some twenty of them.
            FROM (SELECT (SELECT category FROM product_facts WHERE sku = latest.sku) AS category
                  FROM unnest(mine.identities) AS one (identity)
                  CROSS JOIN LATERAL (
                      SELECT sku, at FROM timeline
                      WHERE timeline.identity = one.identity AND sku IS NOT NULL
                      ORDER BY at DESC LIMIT {CATEGORY_CLICKS}) AS latest
                  ORDER BY at DESC LIMIT {CATEGORY_CLICKS}) AS seen
            WHERE category IS NOT NULL GROUP BY category ORDER BY n DESC, category LIMIT 3
        ) AS top
    ) AS t
    CROSS JOIN LATERAL (
        SELECT json_object_agg(category, band) AS price_band
        FROM (
            SELECT price ->> 0 AS category,
                   json_build_array(min(CAST(price ->> 1 AS bigint)), max(CAST(price ->> 1 AS bigint))) AS band
            FROM order_facts o, jsonb_array_elements(prices) AS price
            WHERE customer_id = {_MINE} AND paid_at IS NOT NULL AND cancelled_at IS NULL
              AND (o.returns = 0 OR CAST(price ->> 3 AS bigint) > (
                  SELECT coalesce(sum(CAST(line ->> 1 AS bigint)), 0)
                  FROM return_facts r, jsonb_array_elements(r.lines) AS line
                  WHERE r.customer_id = {_MINE} AND r.order_id = o.order_id
                    AND line ->> 0 = price ->> 2))
            GROUP BY 1
        ) AS bands
    ) AS b
    LEFT JOIN LATERAL (
        SELECT applied_at, lag_ms FROM offsets
        WHERE consumer_group = 'profile' ORDER BY applied_at DESC LIMIT 1
    ) AS f ON true
"""  # noqa: S608 - put together from the constants above


async def read_states(
    connection: Connection, customer_ids: Collection[str], now: datetime
) -> dict[str, Any]:
    """The rows behind `GET /v1/customers/{id}/state` by the id asked for; not known, not there."""
    rows = await connection.fetch(_STATES, customer_ids, now)
    return {row["asked"]: SimpleNamespace(**row) for row in rows}
