"""What an operator does: look at lag, mend what is parked, rebuild a projection, replay a history."""

import asyncio
import re
import subprocess
from datetime import UTC, datetime
from uuid import uuid4

from perennial_cli.services import SERVICES
from perennial_events import open_log, seal
from perennial_events.catalogue import Clicked
from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Shop, eventually
from tests.faults.checker import check
from tests.faults.load import at_least, under_load

WRITES = 60
READS_CLICKS = ("profile", "recommend")


def said(done: subprocess.CompletedProcess[str]) -> str:
    """What a command printed; it must have succeeded."""
    assert done.returncode == 0, f"{done.args}: {done.stdout}{done.stderr}"
    return done.stdout


async def test_lag_shows_every_group(platform: RunningPlatform, shop: Shop) -> None:
    async def caught_up() -> bool:
        rows = (await asyncio.to_thread(lambda: said(platform.command("lag")))).splitlines()[1:]
        shown = {row.split()[0]: row.split()[1:3] for row in rows}
        return shown == {name: ["all", "0"] for name in SERVICES}

    await eventually(caught_up, within=20)


async def test_a_parked_event_is_listed_discarded_and_what_waited_is_released(
    platform: RunningPlatform, shop: Shop
) -> None:
    customer = f"c-{uuid4().hex[:12]}"
    clicks = [
        seal(
            Clicked(name="page_viewed", customer_id=customer),
            source="/perennial/test",
            time=datetime.now(UTC),
        )
        for _ in range(3)
    ]
    clicks[1] = clicks[1]._replace(data='{"name": "No such name"}')
    await shop.post("profile", "/v1/customers", {"customer_id": customer})
    log = open_log(platform.addresses["log"])
    await log.append(clicks)
    await log.close()
    try:
        await _release(platform, shop, customer, str(clicks[1].id))
    finally:
        await _discard_rest(shop, customer)
    assert (await shop.state(customer, str(clicks[2].id)))["clicks"]["total"] == 2
    await check(platform.addresses)


async def _release(platform: RunningPlatform, shop: Shop, customer: str, poison: str) -> None:
    """Discard the one that cannot be read, and let the one behind it go, in both services."""

    async def parked() -> list[tuple[str, str]]:
        """Service and number of each of the customer's parked events, once both consumers have them."""
        listed = await asyncio.to_thread(lambda: said(platform.command("parked", "list")))
        found = re.findall(rf"^ *(\w+) +(\d+) +\S+ +{customer}", listed, flags=re.MULTILINE)
        return found if len(found) == 4 else []

    found = await eventually(parked)
    assert (await shop.state(customer))["clicks"]["total"] == 1
    first, behind = (number for name, number in found if name == "profile")
    shown = said(platform.command("parked", "show", "profile", first))
    assert "does not fit its schema" in shown
    assert poison in shown
    said(platform.command("parked", "discard", "profile", first))
    assert "1 applied" in said(platform.command("parked", "retry", "profile", behind))
    # The same by the API, which the commands speak to.
    first, behind = (number for name, number in found if name == "recommend")
    await shop.post("recommend", f"/v1/operations/parked/{first}/discard")
    released = await shop.post("recommend", f"/v1/operations/parked/{behind}/retry")
    assert released.body == {"applied": 1, "still_parked": None}


async def _discard_rest(shop: Shop, customer: str) -> None:
    """Leave nothing parked, whatever went wrong: other tests share the platform."""
    for service in READS_CLICKS:
        left = await shop.get(service, "/v1/operations/parked", key=customer)
        for event in left["data"]:
            await shop.post(service, f"/v1/operations/parked/{event['id']}/discard")


async def test_a_rebuild_while_events_arrive_ends_with_equal_checksums(
    platform: RunningPlatform, shop: Shop
) -> None:
    async with under_load(shop) as told:
        await at_least(told, WRITES)
        before = told.count
        done = await asyncio.to_thread(platform.command, "rebuild", "profile", "customer_state")
        assert told.count > before, "customers went on while it was rebuilt"
        await at_least(told, WRITES)
    tables = re.findall(r"^  (\w+) +(\S+) +(.*)$", said(done), flags=re.MULTILINE)
    assert {name for name, _, _ in tables} >= {"order_facts", "click_days", "timeline"}
    assert {verdict.strip() for _, _, verdict in tables} == {"= live"}
    await check(platform.addresses, told)


async def test_a_second_replay_changes_nothing(platform: RunningPlatform, shop: Shop) -> None:
    arguments = ("replay", "--customers", "10", "--seed", "3")

    async def played() -> tuple[object, object]:
        said(await asyncio.to_thread(platform.command, *arguments))
        await check(platform.addresses)
        totals = await shop.get("orders", "/v1/totals")
        return totals, await shop.get("profile", "/v1/stages")

    first = await played()
    assert await played() == first
