"""The supervisor and the real services: what dies comes back, and nothing disturbs what runs."""

import asyncio
from uuid import uuid4

from perennial_cli.services import SERVICES
from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Shop, order_of


async def test_a_killed_service_comes_back_and_hears_what_it_missed(
    platform: RunningPlatform, shop: Shop
) -> None:
    others = {name: platform.pid(name) for name in SERVICES if name != "profile"}
    customer = f"c-{uuid4().hex[:12]}"
    killed = platform.kill("profile")
    # Orders takes orders all the same: it needs no neighbour.
    for _ in range(10):
        placed = await shop.post("orders", "/v1/orders", order_of(customer, ("mug", 1, 1000)))
        paid = await shop.post("orders", f"/v1/orders/{placed.body['order_id']}/pay")
    await asyncio.to_thread(platform.wait_back, "profile", killed)
    assert (await shop.state(customer, paid.event))["orders"]["count"] == 10
    assert {name: platform.pid(name) for name in others} == others


async def test_a_second_start_on_the_same_home_says_so_and_disturbs_nothing(
    platform: RunningPlatform, shop: Shop
) -> None:
    before = {name: platform.pid(name) for name in (*SERVICES, "postgres", "supervisor")}
    second = await asyncio.to_thread(platform.command, "up")
    assert second.returncode == 1
    assert f"already runs on {platform.home}" in second.stderr
    assert {name: platform.pid(name) for name in before} == before
    assert platform.unready() == []


async def test_a_start_elsewhere_on_taken_ports_names_them(
    platform: RunningPlatform, shop: Shop
) -> None:
    other = str(platform.home.with_name("other"))
    second = await asyncio.to_thread(platform.command, "up", "--home", other)
    assert second.returncode == 1
    assert f"port {platform.port_base + 1} (profile)" in second.stderr
    assert platform.unready() == []
