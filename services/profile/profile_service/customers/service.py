"""The verbs of customers."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver, emit
from perennial_http import ErasedCustomer
from profile_service.customers.models import Customer
from profile_service.errors import CustomerExists, UnknownCustomer
from profile_service.identities.resolving import standing_identities, standing_survivor

_MEET = """
    INSERT INTO customers (customer_id, registered)
    SELECT id, false FROM unnest($1::text[]) AS id
    ON CONFLICT DO NOTHING
"""


async def get_customer(session: AsyncSession, customer_id: str) -> Customer:
    """The customer of exactly this id, also where they were merged into another."""
    return _known(customer_id, await session.get(Customer, customer_id))


async def lock_customer(session: AsyncSession, customer_id: str) -> Customer:
    """The customer of exactly this id, locked until the transaction ends."""
    return (await lock_customers(session, {customer_id}))[customer_id]


async def lock_customers(
    session: AsyncSession, customer_ids: Collection[str]
) -> dict[str, Customer]:
    """The customers of exactly these ids, locked in the order of their ids."""
    rows = await session.scalars(
        select(Customer)
        .where(Customer.customer_id.in_(customer_ids))
        .order_by(Customer.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    found = {customer.customer_id: customer for customer in rows}
    return {id: _known(id, found.get(id)) for id in customer_ids}


async def lock_survivor(session: AsyncSession, customer_id: str) -> Customer:
    """Who answers to this id today, locked until the transaction ends."""
    survivor_id = await standing_survivor(session, customer_id)
    while True:
        locked = await lock_customer(session, survivor_id)
        # Merges lock both customers: none can pass unseen once the survivor is locked.
        survivor_id = await standing_survivor(session, locked.customer_id)
        if survivor_id == locked.customer_id:
            return locked


async def whole_customers(
    session: AsyncSession, customer_ids: Collection[str]
) -> dict[str, list[Customer]]:
    """For each id all that is known of whom answers to it: first the survivor, then those merged
    into them. Raises `UnknownCustomer` and `ErasedCustomer`."""
    standing = await standing_identities(session, customer_ids)
    wanted = {id for identities in standing.values() for id in identities}
    rows = await session.scalars(select(Customer).where(Customer.customer_id.in_(wanted)))
    found = {customer.customer_id: customer for customer in rows}
    for customer_id in customer_ids:
        _known(customer_id, found.get(customer_id))
    return {id: [found[each] for each in identities] for id, identities in standing.items()}


def _known(customer_id: str, customer: Customer | None) -> Customer:
    if customer is None:
        raise UnknownCustomer(customer_id)
    if customer.erased_at is not None:
        raise ErasedCustomer(customer_id)
    return customer


async def erased_among(session: AsyncSession, customer_ids: Collection[str]) -> set[str]:
    """Those of the ids whose customer was erased."""
    rows = await session.scalars(
        select(Customer.customer_id).where(
            Customer.customer_id.in_(customer_ids), Customer.erased_at.is_not(None)
        )
    )
    return set(rows)


async def meet_customers(session: AsyncSession, customer_ids: Collection[str]) -> None:
    """Make bare customers of ids that were met in events and are not known yet."""
    if customer_ids:
        connection = await driver(session)
        await connection.execute(_MEET, sorted(customer_ids))


async def register_customers(
    session: AsyncSession, described: Mapping[str, Mapping[str, Any]], now: datetime
) -> set[str]:
    """Register customers, each given by id as its columns; return the ids that are new.

    One that was only met so far is filled in; one that was registered before stays as it is.
    """
    await meet_customers(session, described)
    rows = await session.scalars(
        select(Customer)
        .where(
            Customer.customer_id.in_(described),
            Customer.registered.is_(False),
            Customer.erased_at.is_(None),
        )
        .order_by(Customer.customer_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    new = set()
    for customer in rows:
        for column, value in described[customer.customer_id].items():
            setattr(customer, column, value)
        emit(session, *customer.register(), at=now)
        new.add(customer.customer_id)
    return new


async def register_customer(
    session: AsyncSession, customer_id: str, columns: Mapping[str, Any], now: datetime
) -> Customer:
    """Register one customer. Raises `CustomerExists`, `ErasedCustomer`."""
    new = await register_customers(session, {customer_id: columns}, now)
    customer = await get_customer(session, customer_id)
    if not new:
        raise CustomerExists(customer_id)
    return customer


async def update_customer(
    session: AsyncSession, customer: Customer, changes: dict[str, Any], now: datetime
) -> Customer:
    """Change what is known of a customer whose row is locked."""
    emit(session, *customer.update(changes), at=now)
    await session.flush()
    return customer
