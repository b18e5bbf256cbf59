"""The verbs of products."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.errors import UnknownProduct
from orders_service.products.models import Product
from perennial_events import emit

# A subquery around the skus: their number would have the planner think about each order anew.
_DESCRIBED = text("""
    SELECT sku, category, cost, currency FROM products
    WHERE sku = ANY (CAST((SELECT CAST(:skus AS text[])) AS text[]))
""")

_MAKE = text("""
    INSERT INTO products (sku, attributes, available, changed_at, version)
    SELECT sku, '{}', true, :now, 1 FROM unnest(CAST(:skus AS text[])) AS sku
    ON CONFLICT DO NOTHING
""")


class Described(NamedTuple):
    """What an order's line takes over from its product; the cost is in `currency`'s minor units."""

    category: str | None
    cost: int | None
    currency: str | None


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
) -> dict[str, Described]:
    """What is known of the products of an order's lines, as far as they are known.

    A sku that is not known yet makes a bare product, of which there is nothing to say.
    """
    rows = await session.execute(_DESCRIBED, {"skus": list(skus)})
    found = {sku: Described(*described) for sku, *described in rows}
    await _make_missing(session, set(skus) - set(found), now)
    return found


async def _make_missing(session: AsyncSession, skus: Collection[str], now: datetime) -> None:
    # In sku order: two orders that bring the same new goods must not wait for each other in a ring.
    if skus:
        await session.execute(_MAKE, {"skus": sorted(skus), "now": now})
