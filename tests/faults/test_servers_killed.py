"""Servers and services are killed while customers shop: nothing is lost, nothing is double."""

import asyncio
import random

import pytest

from perennial_cli.services import SERVICES
from tests.conftest import ON_PLATFORMS
from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Shop
from tests.faults.checker import check
from tests.faults.load import Told, at_least, under_load

WRITES = 60
"""So many writes are answered before each kill, and again after the last."""

SERVERS = {"postgres": ["postgres"], "kafka": ["postgres", "kafka"]}
"""What a platform stands on, by its log."""


async def kill_and_wait(platform: RunningPlatform, *names: str) -> None:
    """Kill processes at once, and wait until the supervisor has brought all of them back."""
    killed = {name: platform.kill(name) for name in names}
    for name, pid in killed.items():
        await asyncio.to_thread(platform.wait_back, name, pid)


async def compare(platform: RunningPlatform, shop: Shop, told: Told) -> None:
    await check(platform.addresses, told)
    # A fault of the surroundings is a 503, which says when to try again.
    assert shop.statuses[500] == 0


async def test_nothing_is_lost_when_its_servers_are_killed(
    platform: RunningPlatform, shop: Shop
) -> None:
    services = {name: platform.pid(name) for name in SERVICES}
    async with under_load(shop) as told:
        for name in SERVERS[platform.log]:
            await at_least(told, WRITES)
            await kill_and_wait(platform, name)
        await at_least(told, WRITES)
    await compare(platform, shop, told)
    # The services wait for their servers; none of them had to be started again.
    assert {name: platform.pid(name) for name in SERVICES} == services


# The same on every log; the soak kills services on both.
@pytest.mark.parametrize("platform", ON_PLATFORMS[:1], indirect=True)
async def test_nothing_is_lost_when_all_services_are_killed_at_once(
    platform: RunningPlatform, shop: Shop
) -> None:
    async with under_load(shop) as told:
        await at_least(told, WRITES)
        await kill_and_wait(platform, *SERVICES)
        await at_least(told, WRITES)
    await compare(platform, shop, told)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
async def test_soak_under_kills_by_chance(platform: RunningPlatform, shop: Shop, seed: int) -> None:
    """For minutes, now this process dies and now that one, at times two at once."""
    dice = random.Random(seed)
    mortal = [*SERVICES, *SERVERS[platform.log]]
    async with under_load(shop, seed=seed) as told:
        for _ in range(10):
            await at_least(told, dice.randint(1, 3 * WRITES), within=120)
            await kill_and_wait(platform, *dice.sample(mortal, dice.choice([1, 1, 2])))
        await at_least(told, WRITES, within=120)
    await compare(platform, shop, told)
