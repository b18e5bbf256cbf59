"""A help desk's tickets become complaints and cases; reviews of other sites are published."""

import base64
from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp
from perennial_http.testing import served
from perennial_webhooks.adapters import adapters
from perennial_webhooks.mapping import compile_mapping
from support_service.app import create

TICKET, SOLVED, REVIEW = (
    example["payload"] for example in compile_mapping(adapters()["help_desk"].mapping).examples
)


@pytest.fixture
async def app(app: ServiceApp, clock: Any) -> ServiceApp:
    """The same service, with a key to keep secrets with."""
    key = base64.urlsafe_b64encode(b"k" * 32).decode()
    return create(app.state.settings.model_copy(update={"secret_key": key}), clock)


@pytest.fixture
async def desk(app: ServiceApp) -> Any:
    async with served(app) as client:
        verification = {"scheme": "basic", "secret": "desk:password"}
        body = {"adapter": "help_desk", "verification": verification}
        assert (await client.put("/v1/partners/desk", json=body)).status_code == 200
        yield client


async def tell(desk: httpx.AsyncClient, payload: Any) -> Any:
    answer = await desk.post("/v1/partners/desk/events", json=payload, auth=("desk", "password"))
    return answer.json()


async def test_a_ticket_on_its_way(
    desk: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    assert (await tell(desk, TICKET))["status"] == "applied"
    complaint = (await desk.get("/v1/complaints/T-1001")).json()
    assert (complaint["severity"], complaint["channel"]) == ("major", "email")
    assert (await tell(desk, {**TICKET, "id": "e-9"}))["status"] == "applied"
    assert (await tell(desk, SOLVED))["status"] == "applied"
    closed = {**SOLVED, "id": "e-10", "event": "ticket.closed"}
    assert (await tell(desk, closed))["status"] == "applied"
    case = (await desk.get(f"/v1/cases/{complaint['case_id']}")).json()
    assert case["status"] == "resolved"
    assert (await tell(desk, REVIEW))["status"] == "applied"
    facts = [each.type.split(".")[2] for each in await published(app.runtime.database)]
    assert facts == ["complaint_opened", "complaint_resolved", "review_reported"]


async def test_what_cannot_be_done_is_parked(desk: httpx.AsyncClient) -> None:
    unknown = await tell(desk, {**SOLVED, "ticket": {"id": "T-2"}})
    assert (unknown["status"], unknown["reason"]) == ("parked", "There is no complaint T-2.")
    nobody = await tell(desk, {**TICKET, "id": "e-4", "ticket": {"id": "T-3", "subject": "x"}})
    assert "customer_id" in nobody["reason"]
