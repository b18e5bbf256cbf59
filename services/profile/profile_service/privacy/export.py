"""`POST /v1/customers/{id}/export`: all that every service holds of a customer, as one stream.

Nothing of it is stored on the way: a result that waits to be fetched would be one more copy to guard
and to erase. The other services are asked with the caller's own key, one after the other, and each
within its deadline; what one of them does not give is named in the last line, and can be asked for
alone by a second export.
"""

from collections.abc import AsyncIterator, Collection, Mapping
from datetime import datetime
from typing import Annotated, NamedTuple

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field
from pydantic_core import from_json, to_json

from perennial_events.errors import is_transient
from perennial_http import Authorized, Body, Id, ServiceRoute, runtime_of
from perennial_http.audit import entry, write_entries
from perennial_http.imports import NDJSON
from perennial_http.privacy import PERSONAL_DATA, held_lines
from profile_service.customers.service import get_customer
from profile_service.holdings import HOLDINGS
from profile_service.privacy.identities import identities_of
from profile_service.privacy.models import SERVICES, Service

router = APIRouter(route_class=ServiceRoute, tags=["privacy"])

EXPORT = "/v1/customers/{customer_id}/export"

SILENCE_SECONDS = 10.0
"""A service that says nothing for so long is left out."""


class ExportBody(Body):
    services: Annotated[list[Service], Field(min_length=1)] = Field(
        default_factory=lambda: list(SERVICES)
    )
    """Those to ask; what an earlier export left out, for example."""


class LeftOut(NamedTuple):
    service: str
    reason: str


@router.post(
    EXPORT,
    dependencies=[Authorized("privacy:read")],
    response_class=Response,
    responses={
        200: {"content": {NDJSON: {"schema": {"type": "string"}}}, "description": "A record a line"}
    },
)
async def export_customer(
    customer_id: Id, request: Request, body: ExportBody | None = None
) -> Response:
    """Everything that every service holds, as NDJSON: `{"service", "table", "data"}` a record.

    The last line is `{"customer_id", "exported_at", "complete", "records", "left_out"}`.
    """
    database = runtime_of(request.scope).database
    async with database.transaction() as session:
        customer = await get_customer(session, customer_id)
        identities = await identities_of(session, customer.customer_id)
        await write_entries(session, [entry(request, "read", EXPORT, identities)])
    services = list(dict.fromkeys(body.services if body else SERVICES))
    exporting = _export(request, customer.customer_id, identities, services)
    return StreamingResponse(exporting, media_type=NDJSON)


async def _export(
    request: Request, customer_id: str, identities: Collection[str], services: Collection[str]
) -> AsyncIterator[bytes]:
    began: datetime = request.app.state.clock()
    records: dict[str, int] = {}
    left_out: list[LeftOut] = []
    for service in services:
        records[service] = 0
        try:
            for identity in identities:
                async for line in _lines(request, service, identity):
                    records[service] += 1
                    yield line
        except Exception as error:
            if not isinstance(error, httpx.HTTPError | Incomplete) and not is_transient(error):
                raise
            left_out.append(LeftOut(service, _reason(error)))
    yield (
        to_json(
            {
                "customer_id": customer_id,
                "exported_at": began,
                "complete": not left_out and set(services) == set(SERVICES),
                "records": records,
                "left_out": [each._asdict() for each in left_out],
            }
        )
        + b"\n"
    )


def _reason(error: Exception) -> str:
    """Why a service is left out, without what its driver or client says of the inside."""
    if isinstance(error, Incomplete):
        return str(error)
    if isinstance(error, httpx.TimeoutException):
        return f"it said nothing for {SILENCE_SECONDS:g} s"
    return "it cannot be reached" if isinstance(error, httpx.ConnectError) else "it broke off"


class Incomplete(Exception):
    """A service did not give all that it holds."""


async def _lines(request: Request, service: str, identity: str) -> AsyncIterator[bytes]:
    """The records of one service, without its last line. Raises `Incomplete`, `httpx.HTTPError`."""
    last = b""
    async for line in _told(request, service, identity):
        if last:
            yield last
        last = line
    if not last or "records" not in from_json(last):
        raise Incomplete("it broke off before it had told everything")


def _told(request: Request, service: str, identity: str) -> AsyncIterator[bytes]:
    if service == "profile":
        database, places = runtime_of(request.scope).database, request.app.state.exports
        return held_lines(database, service, HOLDINGS, identity, places)
    url: str | None = getattr(request.app.state.settings, f"{service}_url")
    if url is None:
        raise Incomplete(f"its address is not known here: set PERENNIAL_{service.upper()}_URL")
    # The caller's own key: nobody learns through an export what they could not ask for themselves.
    headers: Mapping[str, str] = {"Authorization": request.headers["authorization"]}
    return _asked(url + PERSONAL_DATA.format(customer_id=identity), headers)


async def _asked(url: str, headers: Mapping[str, str]) -> AsyncIterator[bytes]:
    async with (
        httpx.AsyncClient(timeout=SILENCE_SECONDS, trust_env=False) as client,
        client.stream("GET", url, headers=headers) as answer,
    ):
        if answer.status_code != httpx.codes.OK:
            raise Incomplete(f"it answered {answer.status_code}")
        # By hand: httpx would also break lines at U+2028, which JSON may hold as it is.
        begun = b""
        async for part in answer.aiter_bytes():
            *lines, begun = (begun + part).split(b"\n")
            for line in lines:
                yield line + b"\n"
