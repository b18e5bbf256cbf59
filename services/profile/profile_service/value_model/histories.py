"""Purchase histories out of the order facts: days of paid orders that were not cancelled, in UTC.

Orders of one day are one purchase. Its money is what was paid less what came back, never below nothing;
an order without a rate counts, its money does not.
"""

from collections.abc import Collection

from perennial_events import Connection
from profile_service.value_model.rules import History

_BOUGHT = "paid_at IS NOT NULL AND cancelled_at IS NULL"
_DAY = "CAST(coalesce(placed_at, paid_at) AT TIME ZONE 'UTC' AS date)"
_VALUE = "CAST(greatest(sum(total - refunded), 0) AS bigint)"

_FACTS = "f.placed_at, f.paid_at, f.total, f.refunded"

# From `facts`, each with whose it is, to a row a customer.
_COUNTED = f"""
    days AS (
        SELECT customer_id, {_DAY} AS day, {_VALUE} AS value FROM facts GROUP BY 1, 2
    ), numbered AS (
        SELECT *, min(day) OVER (PARTITION BY customer_id) AS first_day FROM days
    )
    SELECT customer_id, first_day, max(day), CAST(count(*) - 1 AS integer),
           CAST(count(value) FILTER (WHERE day > first_day) AS integer),
           CAST(coalesce(sum(value) FILTER (WHERE day > first_day), 0) AS bigint)
    FROM numbered GROUP BY customer_id, first_day ORDER BY customer_id
"""  # noqa: S608 - put together from the constants above

# Facts are kept by the identity that the event named; `aliases` says whose it is.
_OF_CUSTOMERS = f"""
    WITH wanted AS MATERIALIZED (
        SELECT DISTINCT coalesce(a.customer_id, id COLLATE "C") AS customer_id
        FROM unnest($1::text[]) AS id LEFT JOIN aliases a ON a.identity = id
    ), mine AS (
        SELECT customer_id, customer_id AS identity FROM wanted
        UNION ALL SELECT customer_id, identity FROM wanted JOIN aliases USING (customer_id)
    ), facts AS (
        SELECT mine.customer_id, {_FACTS}
        FROM mine JOIN order_facts f ON f.customer_id = mine.identity WHERE {_BOUGHT}
    ), {_COUNTED}
"""  # noqa: S608 - put together from the constants above

HISTORIES_BETWEEN = f"""
    WITH facts AS (
        SELECT f.customer_id, {_FACTS} FROM order_facts f
        WHERE f.customer_id > $1 AND f.customer_id <= $2 AND {_BOUGHT} AND NOT EXISTS (
            SELECT FROM aliases a WHERE a.identity = f.customer_id AND a.customer_id IS NOT NULL)
        UNION ALL
        SELECT a.customer_id, {_FACTS} FROM aliases a JOIN order_facts f ON f.customer_id = a.identity
        WHERE a.customer_id > $1 AND a.customer_id <= $2 AND {_BOUGHT}
    ), {_COUNTED}
"""  # noqa: S608 - put together from the constants above
"""As `History` has them, those of the customers with an id beyond the first and up to the second."""

PURCHASE_DAYS = f"""
    CREATE TEMPORARY TABLE purchase_days ON COMMIT DROP AS
    WITH days AS (
        SELECT coalesce(a.customer_id, f.customer_id) AS customer_id, {_DAY} AS day, {_VALUE} AS value
        FROM order_facts f LEFT JOIN aliases a ON a.identity = f.customer_id
        WHERE {_BOUGHT} GROUP BY 1, 2
    )
    SELECT *, min(day) OVER (PARTITION BY customer_id) AS first_day FROM days
"""  # noqa: S608 - put together from the constants above
"""Everybody's days of purchase, each with the customer's first, for one transaction."""


async def histories_of(connection: Connection, customer_ids: Collection[str]) -> dict[str, History]:
    """The histories of these customers, in the order of their ids; who never paid is left out.

    An id that has become another's alias stands for that customer.
    """
    rows = await connection.fetch(_OF_CUSTOMERS, sorted(customer_ids))
    return {customer_id: History(*history) for customer_id, *history in rows}
