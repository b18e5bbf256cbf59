"""`POST /v1/complaints:import`."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_http import UNLIMITED, Authorized, Outcome, ServiceRoute, body_limit, run_import
from support_service.complaints.history import PastComplaint, import_complaints

router = APIRouter(route_class=ServiceRoute, tags=["complaints"])


@router.post(
    "/v1/complaints:import",
    dependencies=[Authorized("support:write")],
    openapi_extra=body_limit(UNLIMITED),
)
async def import_past_complaints(request: Request) -> Response:
    """Complaints of the past, as NDJSON. Their events carry the times they happened at and trigger nothing."""
    state = request.app.state

    async def apply(session: AsyncSession, lines: Sequence[tuple[int, PastComplaint]]) -> Outcome:
        return await import_complaints(session, lines, state.settings.owner_of, state.clock())

    return await run_import(request, PastComplaint, apply, id_field="complaint_id")
