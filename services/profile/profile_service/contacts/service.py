"""The look-up of contacts, in one statement."""

from collections.abc import Sequence

from perennial_events import Connection
from profile_service.consents.models import Channel, Purpose
from profile_service.contacts.rules import Known

# A shop keeps a device's token and the street in attributes of these names.
_LOOKUP = """
    SELECT asked.id, c.customer_id IS NOT NULL, c.erased_at IS NOT NULL, c.email, c.phone, c.name,
           CASE jsonb_typeof(c.attributes -> 'address')
               WHEN 'string' THEN c.attributes ->> 'address' END,
           c.postcode, c.country,
           CASE jsonb_typeof(c.attributes -> 'push_token')
               WHEN 'string' THEN c.attributes ->> 'push_token' END,
           c.locale, c.timezone, said.status, said.at
    FROM unnest($1::text[]) WITH ORDINALITY AS asked (id, place)
    LEFT JOIN customers c ON c.customer_id = asked.id COLLATE "C"
    LEFT JOIN LATERAL (
        SELECT status, at FROM consents
        WHERE customer_id = c.customer_id AND channel = $2::text AND purpose = $3::text
        ORDER BY version DESC LIMIT 1
    ) AS said ON true
    ORDER BY asked.place
"""


async def look_up(
    connection: Connection,
    customer_ids: Sequence[str],
    channel: Channel,
    purpose: Purpose,
) -> list[Known]:
    """What stands about each of these customers at this very moment, in the order asked."""
    rows = await connection.fetch(_LOOKUP, customer_ids, channel, purpose)
    return [Known(*row) for row in rows]
