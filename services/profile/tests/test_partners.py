"""A CRM's contacts become customers."""

import base64
from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp
from perennial_http.testing import served
from profile_service.app import create


@pytest.fixture
async def crm(app: ServiceApp) -> Any:
    key = base64.urlsafe_b64encode(b"k" * 32).decode()
    settings = app.state.settings.model_copy(update={"secret_key": key})
    async with served(create(settings, app.state.clock)) as client:
        verification = {"scheme": "basic", "secret": "crm:password"}
        body = {"adapter": "crm", "verification": verification}
        assert (await client.put("/v1/partners/crm", json=body)).status_code == 200
        yield client


async def tell(crm: httpx.AsyncClient, id: str, **contact: Any) -> Any:
    payload = {"id": id, "event": "contact.updated", "contact": {"id": 4711, **contact}}
    return (
        await crm.post("/v1/partners/crm/events", json=payload, auth=("crm", "password"))
    ).json()


async def test_contacts_are_made_and_changed(crm: httpx.AsyncClient) -> None:
    assert (await tell(crm, "1", email="Ada@Example.org", name="Ada"))["status"] == "applied"
    assert (await tell(crm, "2", phone="+44 20 7946 0958"))["status"] == "applied"
    customer = (await crm.get("/v1/customers/4711")).json()
    assert (customer["name"], customer["email"]) == ("Ada", "Ada@example.org")
    assert customer["phone"] == "+442079460958"
    refused = await tell(crm, "3", email="no address")
    assert (refused["status"], "/email" in refused["reason"]) == ("parked", True)
