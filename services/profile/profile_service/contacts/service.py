"""The look-up of contacts: set by set, whatever the number of customers."""

from collections.abc import Collection, Sequence

from perennial_events import Database
from profile_service.consents.models import Channel, Purpose, Said
from profile_service.consents.service import last_words
from profile_service.contacts.rules import Known, known_as_one
from profile_service.customers.service import whole_customers

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

_MERGED = """
    SELECT customer_id FROM merges WHERE undone_at IS NULL AND customer_id = ANY ($1::text[])
    UNION ALL
    SELECT into_id FROM merges WHERE undone_at IS NULL AND into_id = ANY ($1::text[])
"""


async def look_up(
    database: Database, customer_ids: Sequence[str], channel: Channel, purpose: Purpose
) -> list[Known]:
    """What stands about each of these customers at this very moment, in the order asked."""
    async with database.reader() as connection:
        rows = await connection.fetch(_LOOKUP, customer_ids, channel, purpose)
        merged = {id for (id,) in await connection.fetch(_MERGED, customer_ids)}
    known = [Known(*row) for row in rows]
    several = {each.customer_id for each in known if each.customer_id in merged and not each.erased}
    if not several:
        return known
    whole = await _look_up_whole(database, several, channel, purpose)
    return [whole.get(each.customer_id, each) for each in known]


async def _look_up_whole(
    database: Database, customer_ids: Collection[str], channel: Channel, purpose: Purpose
) -> dict[str, Known]:
    """The same for customers who go by several ids."""
    async with database.reading() as session:
        whole = await whole_customers(session, customer_ids)
        ids = {each.customer_id for described in whole.values() for each in described}
        words = await last_words(session, ids, {"channel": channel, "purpose": purpose})
    by_id = {each.customer_id: each for each in words}
    said = {
        id: Said([by_id[each.customer_id] for each in described if each.customer_id in by_id])
        for id, described in whole.items()
    }
    return {id: known_as_one(id, described, said[id]) for id, described in whole.items()}
