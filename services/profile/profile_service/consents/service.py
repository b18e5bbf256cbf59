"""The verbs of consents."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from profile_service.consents.models import Channel, Consent, Purpose
from profile_service.customers.service import get_customer, lock_customer
from profile_service.errors import NothingSaid


async def get_consent(
    session: AsyncSession, customer_id: str, channel: Channel, purpose: Purpose
) -> Consent:
    """What holds now. Raises `NothingSaid`, `UnknownCustomer`, `ErasedCustomer`."""
    customer = await get_customer(session, customer_id)
    consent = await _latest(session, customer.customer_id, channel, purpose)
    if consent is None:
        raise NothingSaid(channel, purpose)
    return consent


async def lock_consent(
    session: AsyncSession, customer_id: str, channel: Channel, purpose: Purpose
) -> tuple[str, Consent | None]:
    """The customer, locked, and what they said last about this. Raises `UnknownCustomer`, `ErasedCustomer`."""
    customer = await lock_customer(session, customer_id)
    return customer.customer_id, await _latest(session, customer.customer_id, channel, purpose)


async def _latest(
    session: AsyncSession, customer_id: str, channel: Channel, purpose: Purpose
) -> Consent | None:
    latest = await session.scalars(
        select(Consent)
        .where(
            Consent.customer_id == customer_id,
            Consent.channel == channel,
            Consent.purpose == purpose,
        )
        .order_by(Consent.version.desc())
        .limit(1)
    )
    return latest.first()


async def record_consent(
    session: AsyncSession, consent: Consent, before: Consent | None
) -> Consent:
    """Add what the customer says now. The same once more changes nothing."""
    if before is not None and consent.repeats(before):
        return before
    emit(session, *consent.say(before), at=consent.at)
    session.add(consent)
    await session.flush()
    return consent


async def current_consents(session: AsyncSession, customer_id: str) -> Sequence[Consent]:
    """What holds now, by channel and purpose. Raises `UnknownCustomer`, `ErasedCustomer`."""
    customer = await get_customer(session, customer_id)
    rows = await session.scalars(
        select(Consent)
        .where(Consent.customer_id == customer.customer_id)
        .ext(distinct_on(Consent.channel, Consent.purpose))
        .order_by(Consent.channel, Consent.purpose, Consent.version.desc())
    )
    return rows.all()
