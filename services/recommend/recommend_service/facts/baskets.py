"""What was ordered, and what a customer will not have again."""

from collections.abc import Sequence
from typing import Any

from perennial_events import Received
from perennial_events.catalogue import (
    ComplaintOpened,
    OrderCancelled,
    OrderPlaced,
    OrderRefunded,
    ReturnReceived,
)

# A list of skus travels as one text: an array of arrays would need all of them equally long. Of two
# tellings of one order the earlier holds, wherever it came from.
_PLACE = """
    INSERT INTO baskets AS b (order_id, customer_id, skus, placed_at, cancelled)
    SELECT order_id, customer_id, string_to_array(skus, ' '), placed_at, false
    FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
        AS told (order_id, customer_id, skus, placed_at)
    ON CONFLICT (order_id) DO UPDATE SET skus = excluded.skus, placed_at = excluded.placed_at
    WHERE b.skus IS NULL
"""

_CANCEL = """
    INSERT INTO baskets (order_id, customer_id, cancelled)
    SELECT order_id, customer_id, true FROM unnest($1::text[], $2::text[])
        AS told (order_id, customer_id)
    ON CONFLICT (order_id) DO UPDATE SET cancelled = true
"""

_REJECT = """
    INSERT INTO rejections (customer_id, sku)
    SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING
"""


async def place_orders(connection: Any, events: Sequence[Received[OrderPlaced]]) -> None:
    """Remember what was ordered. The skus stand in the order of the lines, without repeats."""
    first: dict[str, Received[OrderPlaced]] = {}
    for received in events:
        first.setdefault(received.event.order_id, received)
    if first:
        ids = sorted(first)
        told = [first[id] for id in ids]
        await connection.execute(
            _PLACE,
            ids,
            [event.customer_id for event, _ in told],
            [" ".join(dict.fromkeys(line.sku for line in event.lines)) for event, _ in told],
            [envelope.time for _, envelope in told],
        )


async def cancel_orders(connection: Any, events: Sequence[Received[OrderCancelled]]) -> None:
    """What was called off was not bought, also if its order is heard of later."""
    customers = {event.order_id: event.customer_id for event, _ in events}
    if customers:
        ids = sorted(customers)
        await connection.execute(_CANCEL, ids, [customers[id] for id in ids])


async def reject_products(
    connection: Any,
    events: Sequence[Received[ReturnReceived] | Received[OrderRefunded]],
    complaints: Sequence[Received[ComplaintOpened]],
) -> None:
    """Remember what came back from whom, and what they complained of. Refunded goods count too: not
    all of them are awaited."""
    rejected = {(event.customer_id, line.sku) for event, _ in events for line in event.lines}
    rejected |= {(event.customer_id, event.sku) for event, _ in complaints if event.sku is not None}
    if rejected:
        customers, skus = zip(*sorted(rejected), strict=True)
        await connection.execute(_REJECT, customers, skus)
