"""Shipments of an order, the carrier's scans, and the way they took."""

from typing import Annotated, Any

import uuid_utils.compat as uuids
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field

from orders_service.shipments import rules, service
from orders_service.shipments.models import Scan, Shipment
from perennial_events.values import Code
from perennial_http import (
    Answer,
    Authorized,
    Body,
    Id,
    Quantity,
    Session,
    Time,
    TransactionalRoute,
    etag,
)

router = APIRouter(route_class=TransactionalRoute, tags=["shipments"])

TrackingNumber = Annotated[str, Field(min_length=1, max_length=64)]


class QuantityBody(Body):
    sku: Id
    quantity: Quantity


class ShipmentBody(Body):
    carrier: Code
    tracking_number: TrackingNumber
    promised_at: Time
    lines: Annotated[list[QuantityBody] | None, Field(min_length=1, max_length=500)] = None
    """What goes into this parcel; all that is left to ship, where it is not said."""


class ShipmentAnswer(Answer):
    shipment_id: Id
    order_id: Id
    carrier: str
    tracking_number: str
    lines: list[dict[str, Any]]
    status: rules.Status
    promised_at: Time
    shipped_at: Time
    delivered_at: Time | None


class ShipmentsAnswer(Answer):
    data: list[ShipmentAnswer]


class Location(Body):
    lat: Annotated[float, Field(ge=-90, le=90, strict=False)]
    lon: Annotated[float, Field(ge=-180, le=180, strict=False)]
    name: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class ScanBody(Body):
    at: Time
    status: rules.Seen
    location: Location | None = None

    def scan(self, shipment_id: str) -> Scan:
        """What the carrier saw of this parcel."""
        location = self.location
        return Scan(
            shipment_id=shipment_id,
            at=self.at,
            status=self.status,
            lat=location.lat if location else None,
            lon=location.lon if location else None,
            place=location.name if location else None,
        )


@router.post(
    "/v1/orders/{order_id}/shipments", status_code=201, dependencies=[Authorized("orders:write")]
)
async def ship(
    order_id: Id, body: ShipmentBody, session: Session, request: Request, response: Response
) -> ShipmentAnswer:
    """Send goods of a paid order on their way, with a promise."""
    shipment = Shipment(
        shipment_id=str(uuids.uuid7()),
        order_id=order_id,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
        lines=[line.model_dump() for line in body.lines or ()],
        promised_at=body.promised_at,
        shipped_at=request.app.state.clock(),
        status="shipped",
    )
    await service.ship(session, shipment)
    response.headers["Location"] = f"/v1/shipments/{shipment.shipment_id}"
    return ShipmentAnswer.model_validate(shipment)


@router.get("/v1/shipments/{shipment_id}", dependencies=[Authorized("orders:read")])
async def get_shipment(shipment_id: Id, session: Session, response: Response) -> ShipmentAnswer:
    shipment = await service.get_shipment(session, shipment_id)
    response.headers["ETag"] = etag(shipment.version)
    return ShipmentAnswer.model_validate(shipment)


@router.get("/v1/orders/{order_id}/shipments", dependencies=[Authorized("orders:read")])
async def list_shipments(order_id: Id, session: Session) -> ShipmentsAnswer:
    """The shipments of an order, as they left."""
    found = await service.shipments_of(session, order_id)
    return ShipmentsAnswer(data=[ShipmentAnswer.model_validate(each) for each in found])


@router.post("/v1/shipments/{shipment_id}/scans", dependencies=[Authorized("orders:write")])
async def scan(shipment_id: Id, body: ScanBody, session: Session) -> ShipmentAnswer:
    """The carrier saw the parcel. The same scan again changes nothing."""
    return ShipmentAnswer.model_validate(await service.scan(session, body.scan(shipment_id)))


class GeoJson(JSONResponse):
    media_type = "application/geo+json"


@router.get(
    "/v1/orders/{order_id}/trajectory",
    dependencies=[Authorized("orders:read")],
    response_class=GeoJson,
)
async def trajectory(order_id: Id, session: Session) -> GeoJson:
    """Where the parcels were seen, as GeoJSON (RFC 7946): a point a scan, a line a parcel."""
    scans = [s for s in await service.trajectory(session, order_id) if s.lat is not None]
    lines: dict[str, list[list[float | None]]] = {}
    for seen in scans:
        lines.setdefault(seen.shipment_id, []).append([seen.lon, seen.lat])
    features = [
        *(_feature("LineString", way, {"shipment_id": id}) for id, way in lines.items() if way[1:]),
        *(_feature("Point", [seen.lon, seen.lat], _properties(seen)) for seen in scans),
    ]
    return GeoJson({"type": "FeatureCollection", "features": features})


def _feature(kind: str, coordinates: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": kind, "coordinates": coordinates},
        "properties": properties,
    }


def _properties(seen: Scan) -> dict[str, Any]:
    return {
        "shipment_id": seen.shipment_id,
        "at": seen.at.isoformat().replace("+00:00", "Z"),
        "status": seen.status,
        "name": seen.place,
    }
