"""API keys: issued and revoked in profile, known everywhere soon after."""

import asyncio
from collections.abc import Callable

import pytest

from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import PAUSE_SECONDS, Shop

KNOWN_WITHIN_SECONDS = 2.0

READS = {
    "orders": "/v1/orders",
    "profile": "/v1/customers",
    "recommend": "/v1/recommendations?placement=home",
    "support": "/v1/cases",
}


@pytest.mark.parametrize("service", READS)
async def test_a_key_holds_within_two_seconds_and_ends_within_two(
    platform: RunningPlatform, shop: Shop, service: str
) -> None:
    scopes = [f"{service}:read"]
    issued = (await shop.post("profile", "/v1/keys", {"name": "partner", "scopes": scopes})).body
    async with Shop(platform.urls, issued["key"]) as partner:
        await _until_status(partner, service, lambda status: status == 200)
        # What the key was not given stays shut.
        other = "orders" if service != "orders" else "profile"
        await _until_status(partner, other, lambda status: status == 403)

        revoked = await shop.ask("profile", "DELETE", f"/v1/keys/{issued['key_id']}")
        assert revoked.status == 204
        await _until_status(partner, service, lambda status: status == 401)


async def test_a_write_key_tracks_clicks_as_segments_sdks_send_it(shop: Shop) -> None:
    body = {"name": "web", "scopes": ["clicks:write"]}
    key = (await shop.post("profile", "/v1/keys", body)).body["key"]
    call = {"anonymousId": "v-1", "event": "Product Viewed", "writeKey": key}
    async with asyncio.timeout(KNOWN_WITHIN_SECONDS):
        while True:
            answer = await shop.ask(
                "engagement", "POST", "/v1/track", json=call, headers={"Authorization": ""}
            )
            if answer.status == 200:
                return
            assert answer.status == 401
            await asyncio.sleep(PAUSE_SECONDS)


async def _until_status(partner: Shop, service: str, wanted: Callable[[int], bool]) -> None:
    async with asyncio.timeout(KNOWN_WITHIN_SECONDS):
        # Nothing signals here what happens in another process.
        while not wanted((await partner.ask(service, "GET", READS[service])).status):  # noqa: ASYNC110
            await asyncio.sleep(PAUSE_SECONDS)
