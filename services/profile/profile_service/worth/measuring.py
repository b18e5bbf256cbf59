"""Measure customers: one statement for any number of them.

The margin of an order is what it came to in the base currency, less what was paid back, less what the
goods that stayed with the customer had cost, where that is known. An order without a rate counts as an
order; its money is left out.

`expected_margin`, of the next 365 days, is the spend that the value model predicts times the share of
the customer's spend that was margin so far. Without a prediction it is the margin of the last 365 days.
"""

from profile_service.worth.grading import SCORE, SEGMENT, TIER, clamped

YEAR = "interval '365 days'"

ORDER_MARGIN = """
    CASE WHEN f.total IS NULL THEN 0
    ELSE f.total - f.refunded - coalesce(f.cost - f.refunded_cost, 0) END
"""

LOCK = """
    SELECT customer_id FROM worth WHERE customer_id = ANY ($1::text[])
    ORDER BY customer_id FOR UPDATE
"""

MEET = """
    INSERT INTO worth (customer_id) SELECT id FROM unnest($1::text[]) AS id
    ORDER BY id ON CONFLICT DO NOTHING RETURNING customer_id
"""

# An identity that belongs to somebody else counts there, and not for itself; of an erased customer
# nothing counts.
MEASURE = f"""
    WITH standing AS MATERIALIZED (
        SELECT id COLLATE "C" AS customer_id FROM unnest($1::text[]) AS id
        WHERE NOT EXISTS (SELECT FROM aliases WHERE identity = id AND customer_id IS NOT NULL)
          AND NOT EXISTS (
              SELECT FROM customers c WHERE c.customer_id = id AND c.erased_at IS NOT NULL)
    ), who AS MATERIALIZED (
        SELECT customer_id, customer_id AS identity FROM standing
        UNION ALL SELECT customer_id, identity FROM standing JOIN aliases USING (customer_id)
    ), bought AS (
        SELECT customer_id, max(at) AS last_order_at, count(*) AS frequency,
               coalesce(sum(net), 0) AS monetary, coalesce(sum(margin), 0) AS margin,
               count(*) FILTER (WHERE at > $2::timestamptz - {YEAR}) AS orders_365d,
               coalesce(sum(margin) FILTER (WHERE at > $2::timestamptz - {YEAR}), 0) AS margin_365d,
               min(at) FILTER (WHERE at > $2::timestamptz - {YEAR}) AS oldest
        FROM (
            SELECT who.customer_id, coalesce(f.placed_at, f.paid_at) AS at,
                   f.total - f.refunded AS net, {ORDER_MARGIN} AS margin
            FROM who JOIN order_facts f ON f.customer_id = who.identity
            WHERE f.paid_at IS NOT NULL AND f.cancelled_at IS NULL
        ) AS orders
        GROUP BY customer_id
    ), served AS (
        SELECT customer_id, round(sum(thousandths) / 1000) AS cost, min(at) AS oldest
        FROM (
            SELECT who.customer_id, opened_at AS at, $3::bigint * 1000::numeric AS thousandths
            FROM who JOIN case_facts c ON c.customer_id = who.identity
            UNION ALL
            SELECT who.customer_id, received_at, $4::bigint * 1000::numeric
            FROM who JOIN return_facts r ON r.customer_id = who.identity
            UNION ALL
            SELECT who.customer_id, sent_at, costs.cost
            FROM who JOIN message_facts m ON m.customer_id = who.identity
            JOIN unnest($5::text[], $6::bigint[]) AS costs (channel, cost) USING (channel)
        ) AS occasions
        WHERE at > $2::timestamptz - {YEAR}
        GROUP BY customer_id
    ), m AS (
        SELECT id AS customer_id, b.last_order_at, coalesce(b.frequency, 0) AS frequency,
               {clamped("coalesce(b.monetary, 0)")} AS monetary,
               coalesce(b.orders_365d, 0) AS orders_365d,
               {clamped("coalesce(b.margin_365d, 0)")} AS margin_365d,
               {
    clamped(
        "CASE WHEN p.customer_id IS NULL THEN coalesce(b.margin_365d, 0)"
        " WHEN b.monetary > 0 THEN round(p.clv_365d * b.margin / b.monetary) ELSE 0 END"
    )
} AS expected_margin,
               {clamped("coalesce(s.cost, 0)")} AS cost_to_serve,
               p.computed_at AS predicted_at, least(b.oldest, s.oldest) + {YEAR} AS due_at
        FROM unnest($1::text[]) AS id
        LEFT JOIN bought b ON b.customer_id = id
        LEFT JOIN served s ON s.customer_id = id
        LEFT JOIN standing ON standing.customer_id = id
        LEFT JOIN predictions p ON p.customer_id = standing.customer_id
    )
    UPDATE worth w SET
        last_order_at = m.last_order_at, frequency = m.frequency, monetary = m.monetary,
        orders_365d = m.orders_365d, margin_365d = m.margin_365d,
        expected_margin = m.expected_margin, cost_to_serve = m.cost_to_serve,
        score = {SCORE}, value_segment = {SEGMENT}, value_tier = {TIER},
        predicted_at = m.predicted_at, due_at = m.due_at, changed_at = $2::timestamptz
    FROM m JOIN worth AS was USING (customer_id) CROSS JOIN value_thresholds AS t
    WHERE w.customer_id = m.customer_id
    RETURNING w.customer_id, was.value_segment AS previous_segment, w.value_segment AS segment,
              was.value_tier AS previous_tier, w.value_tier AS tier, w.margin_365d AS margin,
              w.expected_margin, w.cost_to_serve
"""  # noqa: S608 - put together from the constants above
