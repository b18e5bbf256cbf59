"""The verbs of consents: what was said under any id of a customer is that customer's word."""

from collections.abc import Collection, Mapping, Sequence
from itertools import groupby

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from profile_service.consents.models import Channel, Consent, Purpose, Said
from profile_service.customers.service import get_customer, lock_survivor
from profile_service.errors import NothingSaid
from profile_service.identities.resolving import standing_identities


async def get_consent(
    session: AsyncSession, customer_id: str, channel: Channel, purpose: Purpose
) -> tuple[Consent, int]:
    """What holds now, and its version. Raises `NothingSaid`, `UnknownCustomer`, `ErasedCustomer`."""
    said = await _said(session, await known_ids(session, customer_id), channel, purpose)
    if said.holds is None:
        raise NothingSaid(channel, purpose)
    return said.holds, said.version


async def lock_consent(
    session: AsyncSession, customer_id: str, channel: Channel, purpose: Purpose
) -> Said:
    """What the customer, who is locked, said about this. Raises `UnknownCustomer`, `ErasedCustomer`."""
    survivor = await lock_survivor(session, customer_id)
    ids = await known_ids(session, survivor.customer_id)
    return await _said(session, ids, channel, purpose)


async def _said(
    session: AsyncSession, customer_ids: Collection[str], channel: Channel, purpose: Purpose
) -> Said:
    return Said(await last_words(session, customer_ids, {"channel": channel, "purpose": purpose}))


async def known_ids(session: AsyncSession, customer_id: str) -> Sequence[str]:
    """The ids of whoever answers to this one. Raises `UnknownCustomer`, `ErasedCustomer`."""
    await get_customer(session, customer_id)
    return (await standing_identities(session, [customer_id]))[customer_id]


async def last_words(
    session: AsyncSession, customer_ids: Collection[str], about: Mapping[str, str]
) -> Sequence[Consent]:
    """What was said last under each of the ids, by channel and purpose or `about` one of them."""
    rows = await session.scalars(
        select(Consent)
        .where(Consent.customer_id.in_(customer_ids))
        .filter_by(**about)
        .ext(distinct_on(Consent.channel, Consent.purpose, Consent.customer_id))
        .order_by(Consent.channel, Consent.purpose, Consent.customer_id, Consent.version.desc())
    )
    return rows.all()


async def record_consent(session: AsyncSession, consent: Consent, said: Said) -> Said:
    """Add what the customer says now; answers with what was said then. The same again changes nothing."""
    if consent.repeats(said.holds):
        return said
    emit(session, *consent.say(said), at=consent.at)
    session.add(consent)
    await session.flush()
    others = [each for each in said.last if each.customer_id != consent.customer_id]
    return Said([*others, consent])


async def current_consents(session: AsyncSession, customer_id: str) -> list[Consent]:
    """What holds now, by channel and purpose. Raises `UnknownCustomer`, `ErasedCustomer`."""
    last = await last_words(session, await known_ids(session, customer_id), {})
    about = groupby(last, key=lambda each: (each.channel, each.purpose))
    return [held for _, words in about if (held := Said(list(words)).holds) is not None]
