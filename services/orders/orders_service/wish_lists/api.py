"""`/v1/customers/{id}/wish-list`."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import select

from orders_service.wish_lists import service
from orders_service.wish_lists.models import WishListItem
from perennial_http import (
    Answer,
    Authorized,
    Id,
    Page,
    PageQuery,
    Session,
    Time,
    TransactionalRoute,
    fetch_page,
)

router = APIRouter(route_class=TransactionalRoute, tags=["wish lists"])


class WishAnswer(Answer):
    sku: Id
    added_at: Time


@router.put(
    "/v1/customers/{customer_id}/wish-list/{sku}",
    status_code=204,
    dependencies=[Authorized("orders:write")],
)
async def add_wish(customer_id: Id, sku: Id, session: Session, request: Request) -> None:
    """Put a product on a customer's wish list; what is there already stays."""
    await service.add_wish(session, customer_id, sku, request.app.state.clock())


@router.delete(
    "/v1/customers/{customer_id}/wish-list/{sku}",
    status_code=204,
    dependencies=[Authorized("orders:write")],
)
async def remove_wish(customer_id: Id, sku: Id, session: Session, request: Request) -> None:
    """Take a product off a customer's wish list, if it is there."""
    await service.remove_wish(session, customer_id, sku, request.app.state.clock())


@router.get("/v1/customers/{customer_id}/wish-list", dependencies=[Authorized("orders:read")])
async def list_wishes(
    customer_id: Id, query: Annotated[PageQuery, Query()], session: Session
) -> Page[WishAnswer]:
    """A customer's wish list, the latest wish first; empty for one that is not known."""
    statement = select(WishListItem).where(WishListItem.customer_id == customer_id)
    keyset = (WishListItem.added_at, WishListItem.sku)
    wishes, cursor = await fetch_page(session, statement, keyset, query)
    return Page(data=[WishAnswer.model_validate(wish) for wish in wishes], next_cursor=cursor)
