"""The verbs of erasing."""

from collections.abc import Sequence
from datetime import datetime

import uuid_utils.compat as uuids
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Received, driver, emit
from perennial_events.catalogue import ErasureCompleted
from perennial_http.privacy import Erased, erase, remember_erased
from profile_service.customers.models import Customer
from profile_service.errors import UnknownCustomer, UnknownErasure
from profile_service.holdings import HOLDINGS
from profile_service.privacy.identities import identities_of
from profile_service.privacy.models import Erasure

_ERASURE_OF = text("SELECT erasure_id FROM erased_customers WHERE customer_id = :customer_id")

_DONE = """
    UPDATE erasure_steps AS step SET done_at = told.at
    FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS told (erasure_id, service, at)
    WHERE step.erasure_id = told.erasure_id AND step.service = told.service
      AND step.done_at IS NULL
"""


async def erase_customer(
    session: AsyncSession, customer_id: str, requested_by: str, now: datetime
) -> Erasure:
    """Forget somebody here at once, and ask the other services to. Raises `UnknownCustomer`.

    One who was erased before keeps the erasure that they have.
    """
    identities = sorted(await identities_of(session, customer_id))
    # All of them locked, so that whoever changes one of them has done so, or sees that they are gone.
    rows = await session.scalars(
        select(Customer)
        .where(Customer.customer_id.in_(identities))
        .order_by(Customer.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    customers = {row.customer_id: row for row in rows}
    if customer_id not in customers:
        raise UnknownCustomer(customer_id)
    if customers[customer_id].erased_at is not None:
        return await erasure_of(session, customer_id)
    erasure = Erasure(
        erasure_id=str(uuids.uuid7()),
        customer_id=customer_id,
        requested_by=requested_by,
        requested_at=now,
    )
    emit(session, *erasure.begin(identities), at=now)
    session.add(erasure)
    await session.execute(
        update(Customer)
        .where(Customer.customer_id.in_(identities))
        .values(erased_at=now)
        .execution_options(synchronize_session=False)
    )
    await remember_erased(session, [Erased(each, erasure.erasure_id, now) for each in identities])
    await erase(session, HOLDINGS, identities)
    return erasure


async def erasure_of(session: AsyncSession, customer_id: str) -> Erasure:
    """The erasure by which a customer went. Raises `UnknownErasure`."""
    erasure_id = await session.scalar(_ERASURE_OF, {"customer_id": customer_id})
    return await get_erasure(session, erasure_id or "")


async def get_erasure(session: AsyncSession, erasure_id: str) -> Erasure:
    erasure = await session.get(Erasure, erasure_id)
    if erasure is None:
        raise UnknownErasure(erasure_id)
    return erasure


async def note_completed(
    session: AsyncSession, events: Sequence[Received[ErasureCompleted]]
) -> None:
    """Services say that they hold nothing any more."""
    connection = await driver(session)
    await connection.execute(
        _DONE,
        [event.erasure_id for event, _ in events],
        [event.service for event, _ in events],
        [envelope.time for _, envelope in events],
    )
