"""The verbs of wish lists."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.products.service import products_of_lines
from orders_service.wish_lists.models import WishListItem
from perennial_events import emit
from perennial_events.catalogue import WishListChanged


async def add_wish(session: AsyncSession, customer_id: str, sku: str, now: datetime) -> None:
    """Put a product on the list. One that stands there already stays, and tells nobody.

    A sku that is not known yet makes a bare product, as in an order.
    """
    await products_of_lines(session, [sku], now)
    added = await session.scalar(
        insert(WishListItem)
        .values(customer_id=customer_id, sku=sku, added_at=now)
        .on_conflict_do_nothing()
        .returning(WishListItem.sku)
    )
    if added is not None:
        emit(session, WishListChanged(customer_id=customer_id, sku=sku, change="added"), at=now)


async def remove_wish(session: AsyncSession, customer_id: str, sku: str, now: datetime) -> None:
    """Take a product off the list. One that is not there tells nobody."""
    removed = await session.scalar(
        delete(WishListItem)
        .where(WishListItem.customer_id == customer_id, WishListItem.sku == sku)
        .returning(WishListItem.sku)
    )
    if removed is not None:
        emit(session, WishListChanged(customer_id=customer_id, sku=sku, change="removed"), at=now)
