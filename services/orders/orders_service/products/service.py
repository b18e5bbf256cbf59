"""The verbs of products."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import UnknownProduct
from orders_service.products.models import Product
from perennial_events import emit


async def get_product(session: AsyncSession, sku: str) -> Product:
    product = await session.get(Product, sku)
    if product is None:
        raise UnknownProduct(sku)
    return product


async def put_products(
    session: AsyncSession, described: Mapping[str, Mapping[str, Any]], now: datetime
) -> dict[str, bool]:
    """Make or replace products, each given by sku as its columns. Says which were changed.

    What is described as it already stands is left alone, and tells nobody.
    """
    await _make_missing(session, described, now)
    rows = await session.scalars(
        select(Product).where(Product.sku.in_(described)).order_by(Product.sku).with_for_update()
    )
    changed = {}
    for product in rows:
        columns = described[product.sku]
        changed[product.sku] = any(getattr(product, k) != v for k, v in columns.items())
        if changed[product.sku]:
            for column, value in columns.items():
                setattr(product, column, value)
            product.changed_at = now
            emit(session, *product.changed(), at=now)
    return changed


async def products_of_lines(
    session: AsyncSession, skus: Collection[str], now: datetime
) -> dict[str, Product]:
    """The products of an order's lines; a sku that is not known yet makes a bare product."""
    found = await _find(session, skus)
    missing = set(skus) - set(found)
    if missing:
        await _make_missing(session, missing, now)
        found = await _find(session, skus)
    return found


async def _find(session: AsyncSession, skus: Collection[str]) -> dict[str, Product]:
    rows = await session.scalars(select(Product).where(Product.sku.in_(skus)))
    return {product.sku: product for product in rows}


async def _make_missing(session: AsyncSession, skus: Collection[str], now: datetime) -> None:
    # In sku order: two orders that bring the same new goods must not wait for each other in a ring.
    rows: Sequence[dict[str, Any]] = [
        {"sku": sku, "attributes": {}, "available": True, "changed_at": now, "version": 1}
        for sku in sorted(skus)
    ]
    if rows:
        await session.execute(insert(Product).on_conflict_do_nothing(), rows)
