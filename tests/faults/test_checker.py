"""The checker sees what it is there to see: each kind of damage, made on purpose and rolled back."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.conftest import started
from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Shop
from tests.faults.checker import check, findings, opened, read_history, settle
from tests.faults.load import Told, at_least, under_load

DAMAGES = (
    ("profile", "order_facts", "UPDATE order_facts SET total = total + 1"),
    ("profile", "order_facts", "DELETE FROM order_facts"),
    ("profile", "click_days", "UPDATE click_days SET clicks = clicks + 1"),
    ("profile", "timeline", "UPDATE timeline SET at = at + interval '1 second'"),
    ("profile", "timeline", "DELETE FROM timeline"),
    ("profile", "case_facts", "UPDATE case_facts SET open = NOT open"),
    ("profile", "complaint_facts", "DELETE FROM complaint_facts"),
    ("profile", "customers and stages", "DELETE FROM stages"),
    ("profile", "profile never applied", "DELETE FROM inbox"),
    ("orders", "order_facts", "UPDATE orders SET base_refunded = base_refunded + 1"),
    ("orders", "does not hold", "INSERT INTO inbox VALUES (gen_random_uuid())"),
    ("recommend", "ordered", "UPDATE baskets SET skus = array_append(skus, 'stray')"),
    ("recommend", "baskets", "UPDATE baskets SET cancelled = NOT cancelled"),
    ("recommend", "views", "UPDATE views SET added = NOT added"),
)
"""In which database, what the checker must say, and what is done to it."""


pytestmark = pytest.mark.xdist_group("checker")


# What the checker compares is the same on every log.
@pytest.fixture(scope="module", params=["postgres"])
def platform(request: pytest.FixtureRequest) -> Iterator[RunningPlatform]:
    """One with a short history: the checker goes through it for each kind of damage."""
    with started(request.param) as running:
        yield running


async def test_every_kind_of_damage_is_found(platform: RunningPlatform, shop: Shop) -> None:
    async with under_load(shop, customers=4) as told:
        await at_least(told, 150)
    await check(platform.addresses, told)
    async with opened(platform.addresses) as (databases, log):
        await settle(databases, log, within=30)
        history = await read_history(log)
        for service, finding, damage in DAMAGES:
            damaging = databases[service].transaction()
            await damaging.start()
            await databases[service].execute(damage)
            found = await findings(databases, history, told)
            await damaging.rollback()
            assert any(finding in each for each in found), (damage, found)

        lane, events = next(iter(told.events.items()))
        for wrong, finding in (
            (Told(orders={"none"}), "accepted orders are gone: none"),
            (_told(lane, [str(uuid4())]), "not in the log"),
            (_told(lane, [events[2], events[1]]), "stands too early"),
        ):
            assert finding in "".join(await findings(databases, history, wrong))
    # Clocks go on meanwhile: stages and grades may have changed since the history was read.
    await check(platform.addresses, told)


async def test_the_checker_waits_for_who_is_behind(platform: RunningPlatform, shop: Shop) -> None:
    await shop.post("profile", "/v1/customers", {"customer_id": f"c-{uuid4().hex[:12]}"})
    async with opened(platform.addresses) as (databases, log):
        await settle(databases, log, within=30)
        damaging = databases["profile"].transaction()
        await damaging.start()
        await databases["profile"].execute("UPDATE offsets SET next_offset = 0")
        with pytest.raises(AssertionError, match="still moving"):
            await settle(databases, log, within=0.5)
        await damaging.rollback()


def _told(lane: str, events: list[str]) -> Told:
    told = Told()
    told.events[lane] = events
    return told
