"""All the ids under which somebody is known: what is erased or exported is erased or exported of each."""

from sqlalchemy.ext.asyncio import AsyncSession

from profile_service.identities.resolving import standing_identities


async def identities_of(session: AsyncSession, customer_id: str) -> list[str]:
    """The ids of whom this id answers for: the survivor's own, and those of all merged into them."""
    return (await standing_identities(session, [customer_id]))[customer_id]
