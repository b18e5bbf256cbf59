"""A partner's endpoint: made, changed, paused, tested, and its secret."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from engagement_service.app import create
from engagement_service.testing import (
    MovableClock,
    Platform,
    settings_for,
)
from perennial_events import Log
from perennial_http.testing import served
from perennial_webhooks import Verification, verify


async def test_pause_holds_and_resume_lets_go(platform: Platform) -> None:
    endpoint = await platform.endpoint()
    await platform.act(endpoint, "pause")
    await platform.orders(3)
    await platform.has_ended(endpoint, "pending", 3)
    await asyncio.sleep(0.7)  # longer than a look at the queue takes to come
    assert not platform.partner.arrived
    await platform.act(endpoint, "resume")
    await platform.has_ended(endpoint, "delivered", 3)


async def test_a_test_message(platform: Platform) -> None:
    endpoint = await platform.endpoint()
    sent = await platform.act(endpoint, "test")
    await platform.has_arrived(1)
    (seen,) = platform.partner.arrived
    assert seen.id == sent["event_id"]
    assert seen.message["type"] == "perennial.webhooks.test.v1"


async def test_a_rotated_secret_signs_beside_the_new_one_for_a_day(
    platform: Platform, moving: MovableClock
) -> None:
    endpoint = await platform.endpoint()
    rotated = await platform.act(endpoint, "rotate")
    old, new = endpoint["secret"], rotated["secret"]
    await platform.orders(1)
    await platform.has_arrived(1)
    moving.ahead = 24.1 * 3600
    await platform.orders(1, first=1)
    await platform.has_arrived(2)
    both, one = platform.partner.arrived
    for secret, seen, fits in (
        (old, both, True),
        (new, both, True),
        (old, one, False),
        (new, one, True),
    ):
        at = datetime.fromtimestamp(int(seen.headers["webhook-timestamp"]), UTC)
        known = Verification(scheme="standard", secret=secret)
        assert verify(known, seen.headers, seen.body, at) is fits


async def test_a_new_url_and_a_deleted_endpoint_are_heeded(platform: Platform) -> None:
    endpoint = await platform.endpoint("/old")
    path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}"
    changed = await platform.client.patch(path, json={"url": platform.partner.url("/new")})
    assert changed.status_code == 200
    await platform.orders(1)
    await platform.has_arrived(1, "/new")
    assert (await platform.client.delete(path)).status_code == 204
    assert (await platform.client.get(path)).status_code == 404
    await platform.orders(1, first=1)
    other = await platform.endpoint("/other")
    await platform.orders(1, first=2)
    await platform.has_ended(other, "delivered", 1)
    assert len(platform.partner.at("/new")) == 1


async def test_secrets_are_sealed_in_the_database_and_shown_once(platform: Platform) -> None:
    endpoint = await platform.endpoint()
    secret = endpoint["secret"].removeprefix("whsec_")
    async with platform.app.runtime.database.reading() as session:
        rows = await session.execute(text("SELECT e::text, e.secret FROM webhook_endpoints AS e"))
        stored = rows.one()
    assert secret not in stored[0]
    assert secret.encode() not in stored[1]
    path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}"
    for shown in (path, "/v1/webhook-endpoints"):
        assert secret not in (await platform.client.get(shown)).text


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://10.0.0.1/x"},
        {"url": "https://169.254.169.254/latest"},
        {"url": "https://2130706433/"},
        {"url": "https://[::ffff:127.0.0.1]/"},
        {"url": "ftp://127.0.0.1/"},
        {"event_types": ["perennial.keys.*"]},
        {"event_types": ["perennial.clicks.clicked"]},
        {"event_types": ["perennial.ord*"]},
        {"event_types": ["*.orders"]},
        {"event_types": []},
        {"colour": "red"},
    ],
)
async def test_bad_endpoints_are_refused(platform: Platform, body: dict[str, Any]) -> None:
    given = {"url": platform.partner.url(), **body}
    answer = await platform.client.post("/v1/webhook-endpoints", json=given)
    assert answer.status_code == 422, answer.text


async def test_without_a_key_for_secrets_nothing_is_kept(
    database_url: str, log_url: str, platform_log: Log
) -> None:
    settings = settings_for(database_url, log_url).model_copy(update={"secret_key": None})
    async with served(create(settings)) as client:
        answer = await client.post("/v1/webhook-endpoints", json={"url": "https://a.example/"})
    assert answer.status_code == 409
    assert "PERENNIAL_SECRET_KEY" in answer.json()["detail"]


async def test_the_catalogue_for_partners(platform: Platform) -> None:
    answer: httpx.Response = await platform.client.get("/v1/webhook-event-types")
    listed = {each["type"]: each for each in answer.json()["data"]}
    placed = listed["perennial.orders.order_placed.v1"]
    assert placed["example"]["data"]["order_id"] == "order-1"
    assert "order_id" in placed["schema"]["properties"]
    assert not [each for each in listed if ".keys." in each or ".clicks." in each]
