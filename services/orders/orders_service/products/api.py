"""`/v1/products`."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import AnyHttpUrl, Field, model_validator
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.products import service
from orders_service.products.models import Product
from perennial_events.values import CatalogueText, Id
from perennial_http import (
    UNLIMITED,
    Answer,
    Authorized,
    Body,
    FreeForm,
    IfMatch,
    Money,
    Outcome,
    ServiceRoute,
    Session,
    TransactionalRoute,
    body_limit,
    check_if_match,
    etag,
    run_import,
)

router = APIRouter(route_class=TransactionalRoute, tags=["products"])
imports = APIRouter(route_class=ServiceRoute, tags=["products"])


class ProductBody(Body):
    name: CatalogueText
    category: CatalogueText
    price: Money
    cost: Money | None = None
    attributes: FreeForm = Field(default_factory=dict)
    image_url: Annotated[AnyHttpUrl | None, Field(max_length=2000)] = None
    available: bool
    replenish_after_days: Annotated[int | None, Field(ge=1, le=3650)] = None

    @model_validator(mode="after")
    def _one_currency(self) -> "ProductBody":
        if self.cost is not None and self.cost.currency != self.price.currency:
            raise ValueError("price and cost must be in the same currency")
        return self

    def columns(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "category": self.category,
            "price": self.price.amount,
            "cost": self.cost.amount if self.cost else None,
            "currency": self.price.currency,
            "attributes": self.attributes,
            "image_url": str(self.image_url) if self.image_url else None,
            "available": self.available,
            "replenish_after_days": self.replenish_after_days,
        }


class ProductLine(ProductBody):
    """A line of an import: the body of `PUT`, with its sku."""

    sku: Id


class ProductAnswer(Answer):
    sku: Id
    name: str | None
    category: str | None
    price: Money | None
    cost: Money | None
    attributes: dict[str, Any]
    image_url: str | None
    available: bool
    replenish_after_days: int | None


def render(product: Product) -> ProductAnswer:
    def money(amount: int | None) -> Money | None:
        if amount is None or product.currency is None:
            return None
        return Money(amount=amount, currency=product.currency)

    return ProductAnswer(
        sku=product.sku,
        name=product.name,
        category=product.category,
        price=money(product.price),
        cost=money(product.cost),
        attributes=product.attributes,
        image_url=product.image_url,
        available=product.available,
        replenish_after_days=product.replenish_after_days,
    )


@router.put("/v1/products/{sku}", dependencies=[Authorized("orders:write")])
async def put_product(
    sku: Id,
    body: ProductBody,
    session: Session,
    request: Request,
    response: Response,
    if_match: IfMatch = None,
) -> ProductAnswer:
    """Make a product, or describe it anew."""
    if if_match is not None:
        check_if_match(if_match, (await service.get_product(session, sku)).version)
    await service.put_products(session, {sku: body.columns()}, request.app.state.clock())
    product = await service.get_product(session, sku)
    await session.flush()
    response.headers["ETag"] = etag(product.version)
    return render(product)


@router.get("/v1/products/{sku}", dependencies=[Authorized("orders:read")])
async def get_product(sku: Id, session: Session, response: Response) -> ProductAnswer:
    product = await service.get_product(session, sku)
    response.headers["ETag"] = etag(product.version)
    return render(product)


@imports.post(
    "/v1/products:import",
    dependencies=[Authorized("orders:write")],
    openapi_extra=body_limit(UNLIMITED),
)
async def import_products(request: Request) -> Response:
    """Many products at once, as NDJSON: each line the body of a `PUT`, with its `sku`."""
    now = request.app.state.clock()

    async def apply(session: AsyncSession, lines: Sequence[tuple[int, ProductLine]]) -> Outcome:
        described = {line.sku: line.columns() for _, line in lines}
        changed = sum((await service.put_products(session, described, now)).values())
        return Outcome(created=changed, unchanged=len(lines) - changed)

    return await run_import(request, ProductLine, apply, id_field="sku")
