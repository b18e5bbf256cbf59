"""PostgreSQL, Kafka and the services are killed while customers shop: nothing is lost, nothing is double."""

import asyncio

import pytest

from perennial_cli.services import SERVICES
from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Shop
from tests.faults.checker import check
from tests.faults.load import at_least, under_load

WRITES = 60
"""So many writes are answered before each kill, and again after it."""


async def kill_under_load(platform: RunningPlatform, shop: Shop, *names: str) -> None:
    """Kill processes one after the other, each while customers shop; then compare everything."""
    async with under_load(shop) as told:
        for name in names:
            await at_least(told, WRITES)
            killed = platform.kill(name)
            await asyncio.to_thread(platform.wait_back, name, killed)
        await at_least(told, WRITES)
    await check(platform.addresses, told)
    assert shop.statuses[500] == 0, "a fault of the surroundings is a 503, which says when to retry"


async def test_nothing_is_lost_when_postgresql_is_killed(
    platform: RunningPlatform, shop: Shop
) -> None:
    services = {name: platform.pid(name) for name in SERVICES}
    await kill_under_load(platform, shop, "postgres")
    # They wait for the database; none of them had to be started again.
    assert {name: platform.pid(name) for name in SERVICES} == services


async def test_nothing_is_lost_when_kafka_is_killed(platform: RunningPlatform, shop: Shop) -> None:
    if platform.log != "kafka":
        pytest.skip("this platform has no Kafka")
    services = {name: platform.pid(name) for name in SERVICES}
    await kill_under_load(platform, shop, "kafka")
    assert {name: platform.pid(name) for name in SERVICES} == services


async def test_nothing_is_lost_when_each_service_is_killed(
    platform: RunningPlatform, shop: Shop
) -> None:
    await kill_under_load(platform, shop, *SERVICES)
