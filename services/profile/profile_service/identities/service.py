"""The verbs of identities: merge, undo, add, remove."""

from collections.abc import Collection
from datetime import datetime, timedelta

import uuid_utils.compat as uuids
from sqlalchemy import Boolean, Subquery, delete, func, literal, literal_column, select, union_all
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from perennial_events.catalogue import AnonymousIdAdded, AnonymousIdRemoved, CustomerUpdated
from perennial_events.identities import ALIASES, ANONYMOUS, anonymous
from perennial_http import ErasedCustomer
from profile_service.customers.service import get_customer, lock_customer, lock_customers
from profile_service.errors import IdentityTaken, MergedWithErased, UnknownIdentity, UnknownMerge
from profile_service.identities import rules
from profile_service.identities.models import Identity, Merge
from profile_service.identities.resolving import standing_identities

ANONYMOUS_ID = "anonymous_id"
"""The kind whose values are no personal data, and travel in events."""


async def merge_customers(
    session: AsyncSession, customer_id: str, into_id: str, now: datetime
) -> Merge:
    """From now on `customer_id` is `into_id`. Raises `MergedWithErased`, and what `rules.check_merge` does."""
    # Both rows are held, in the order of their ids: of merges that touch one customer each sees what
    # the one before it did.
    try:
        both = await lock_customers(session, {customer_id, into_id})
    except ErasedCustomer:
        raise MergedWithErased(customer_id, into_id) from None
    standing = await standing_identities(session, both)
    rules.check_merge(
        both[customer_id], both[into_id], standing[customer_id][0], standing[into_id][0]
    )
    merge = Merge(
        merge_id=str(uuids.uuid7()), customer_id=customer_id, into_id=into_id, merged_at=now
    )
    session.add(merge)
    emit(session, *merge.merge(), at=now)
    return merge


async def get_merge(session: AsyncSession, merge_id: str) -> Merge:
    merge = await session.get(Merge, merge_id)
    if merge is None:
        raise UnknownMerge(merge_id)
    return merge


async def undo_merge(session: AsyncSession, merge_id: str, now: datetime) -> Merge:
    """The two are two again. Merges before and after it stand. Raises `MergeUndoneBefore`."""
    merge = await get_merge(session, merge_id)
    await lock_customers(session, {merge.customer_id, merge.into_id})
    await session.refresh(merge)
    emit(session, *merge.undo(now), at=now)
    return merge


async def add_identity(
    session: AsyncSession, customer_id: str, kind: str, value: str, now: datetime
) -> Identity:
    """The customer is known by this, too. Saying it again changes nothing. Raises `IdentityTaken`."""
    customer = await lock_customer(session, customer_id)
    identity = Identity(
        identity_id=rules.identity_id(kind, value),
        kind=kind,
        value=value,
        customer_id=customer.customer_id,
        added_at=now,
    )
    if kind == ANONYMOUS_ID:
        added = AnonymousIdAdded(customer_id=customer.customer_id, anonymous_id=value)
        emit(session, added, at=await _latest(session, value, now))
        return identity
    known, is_new = await _insert_or_get(session, identity)
    if is_new:
        emit(session, _updated(customer.customer_id), at=now)
        return known
    standing = await standing_identities(session, [customer_id, known.customer_id])
    if standing[known.customer_id][0] != standing[customer_id][0]:
        raise IdentityTaken(kind, standing[known.customer_id][0])
    return known


async def _insert_or_get(session: AsyncSession, identity: Identity) -> tuple[Identity, bool]:
    """Make the identity or get the one that is there, locked either way; say whether it is new."""
    columns = {column.key: getattr(identity, column.key) for column in Identity.__table__.columns}
    statement = (
        insert(Identity)
        .values(columns)
        # Changes nothing: it makes the conflict lock and return the row.
        .on_conflict_do_update(index_elements=[Identity.identity_id], set_={"kind": Identity.kind})
        # No transaction has ended a row version that was just inserted.
        .returning(Identity, literal_column("xmax = 0", Boolean))
    )
    known, is_new = (await session.execute(statement)).one()
    return known, is_new


async def remove_identity(
    session: AsyncSession, customer_id: str, identity_id: str, now: datetime
) -> None:
    """The customer is not known by this any more. Raises `UnknownIdentity`."""
    await get_customer(session, customer_id)
    standing = (await standing_identities(session, [customer_id]))[customer_id]
    for known in await session.execute(select(known_identities(standing))):
        if rules.identity_id(known.kind, known.value) != identity_id:
            continue
        if known.kind == ANONYMOUS_ID:
            removed = AnonymousIdRemoved(customer_id=known.customer_id, anonymous_id=known.value)
            emit(session, removed, at=await _latest(session, known.value, now))
        else:
            await session.execute(delete(Identity).where(Identity.identity_id == identity_id))
            emit(session, _updated(known.customer_id), at=now)
        return
    raise UnknownIdentity(customer_id, identity_id)


async def _latest(session: AsyncSession, anonymous_id: str, now: datetime) -> datetime:
    """A time behind all that was told of this visitor: a device's clock may be ahead of ours."""
    statement = select(ALIASES.c.at).where(ALIASES.c.identity == anonymous(anonymous_id))
    told_at = await session.scalar(statement)
    return now if told_at is None else max(now, told_at + timedelta(microseconds=1))


def known_identities(customer_ids: Collection[str]) -> Subquery:
    """What these customers are known by: `kind, value, customer_id, added_at`."""
    told = select(Identity.kind, Identity.value, Identity.customer_id, Identity.added_at).where(
        Identity.customer_id.in_(customer_ids)
    )
    stitched = select(
        literal(ANONYMOUS_ID).collate("C"),
        func.substr(ALIASES.c.identity, len(ANONYMOUS) + 1),
        ALIASES.c.into_id,
        ALIASES.c.at,
    ).where(ALIASES.c.into_id.in_(customer_ids), ALIASES.c.identity.startswith(ANONYMOUS))
    return union_all(told, stitched).subquery("known")


def _updated(customer_id: str) -> CustomerUpdated:
    """Says that the identities changed, never what they are."""
    return CustomerUpdated(customer_id=customer_id, fields=["identities"])
