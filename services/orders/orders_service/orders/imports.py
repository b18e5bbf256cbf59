"""`POST /v1/orders:import`."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from orders_service.orders.history import PastOrder, import_orders
from perennial_http import UNLIMITED, Authorized, Outcome, ServiceRoute, body_limit, run_import

router = APIRouter(route_class=ServiceRoute, tags=["orders"])


@router.post(
    "/v1/orders:import",
    dependencies=[Authorized("orders:write")],
    openapi_extra=body_limit(UNLIMITED),
)
async def import_past_orders(request: Request) -> Response:
    """Orders of the past, as NDJSON. Their events carry the times they happened at and trigger nothing."""
    state = request.app.state

    async def apply(session: AsyncSession, lines: Sequence[tuple[int, PastOrder]]) -> Outcome:
        return await import_orders(session, lines, state.settings.currency, state.clock())

    return await run_import(request, PastOrder, apply, id_field="order_id")
