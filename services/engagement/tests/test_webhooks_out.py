"""Webhooks out: what a partner is sent, when, and what happens when it does not take it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import standardwebhooks

from engagement_service.testing import (
    Arrived,
    MovableClock,
    Partner,
    Platform,
    running,
    settings_for,
)
from perennial_events import Log, seal
from perennial_events.catalogue import OrderCompleted, OrderLine, OrderPlaced
from perennial_http.testing import until


async def test_an_event_arrives_signed_thin_and_with_a_link(platform: Platform) -> None:
    endpoint = await platform.endpoint()
    (event_id,) = await platform.orders(1)
    await platform.has_arrived(1)

    (seen,) = platform.partner.arrived
    library = standardwebhooks.Webhook(endpoint["secret"])
    message: dict[str, Any] = library.verify(seen.body.decode(), seen.headers)
    assert seen.id == event_id
    assert message["type"] == "perennial.orders.order_completed.v1"
    assert message["data"] == {
        "order_id": "o-0",
        "customer_id": "c-1",
        "link": "http://orders.example/v1/orders/o-0",
    }
    await platform.has_ended(endpoint, "delivered", 1)
    (delivery,) = await platform.deliveries(endpoint)
    assert (delivery["attempts"], delivery["last_status"]) == (1, 204)


async def test_only_what_was_asked_for_and_full_only_while_it_is_small(platform: Platform) -> None:
    await platform.endpoint("/none", event_types=["perennial.complaints.*"])
    await platform.endpoint("/full", event_types=["perennial.orders.order_placed"], payload="full")

    def order(lines: int) -> OrderPlaced:
        line = OrderLine(sku="mug", quantity=1, unit_price=1000)
        total = 1000 * lines
        return OrderPlaced(
            order_id=f"o-{lines}",
            customer_id="c-1",
            currency="EUR",
            lines=[line] * lines,
            items=total,
            discount=0,
            shipping=0,
            total=total,
        )

    await platform.tell(order(1), OrderCompleted(order_id="o", customer_id="c"), order(500))
    await platform.has_arrived(2, "/full")
    small, large = sorted(platform.partner.at("/full"), key=lambda each: len(each.body))[::-1][::-1]
    by_id = {each.message["data"]["order_id"]: each for each in (small, large)}
    assert by_id["o-1"].message["data"]["total"] == 1000
    assert "lines" not in by_id["o-500"].message["data"]
    assert len(by_id["o-500"].body) < 20_000
    assert not platform.partner.at("/none")


async def test_imported_history_triggers_nothing(platform: Platform, platform_log: Log) -> None:
    endpoint = await platform.endpoint()
    past = OrderCompleted(order_id="past", customer_id="c")
    at = datetime(2020, 1, 1, tzinfo=UTC)
    await platform_log.append([seal(past, source="/perennial/orders", time=at, imported=True)])
    await platform.orders(1)
    await platform.has_ended(endpoint, "delivered", 1)
    assert [each.message["data"]["order_id"] for each in platform.partner.arrived] == ["o-0"]


@pytest.mark.parametrize("status", [301, 302, 400, 404, 500, 503])
async def test_whatever_is_no_2xx_is_tried_again_under_the_same_id(
    platform: Platform, status: int
) -> None:
    async def third_time(seen: Arrived) -> tuple[int, dict[str, str]]:
        done = len(platform.partner.arrived) >= 3
        return (200, {}) if done else (status, {"Location": platform.partner.url("/elsewhere")})

    platform.partner.answer = third_time
    endpoint = await platform.endpoint()
    await platform.orders(1)
    await platform.has_ended(endpoint, "delivered", 1)

    assert len({each.id for each in platform.partner.arrived}) == 1
    assert [each.path for each in platform.partner.arrived] == ["/hook"] * 3
    (delivery,) = await platform.deliveries(endpoint)
    assert (delivery["attempts"], delivery["status"]) == (3, "delivered")


async def test_after_the_last_retry_it_is_failed_and_can_be_replayed(platform: Platform) -> None:
    async def never(_: Arrived) -> tuple[int, dict[str, str]]:
        return 500, {}

    async def always(_: Arrived) -> tuple[int, dict[str, str]]:
        return 200, {}

    platform.partner.answer = never
    endpoint = await platform.endpoint()
    before = datetime.now(UTC) - timedelta(minutes=1)
    await platform.orders(2)
    await platform.has_ended(endpoint, "failed", 2)
    assert len(platform.partner.arrived) == 8

    platform.partner.answer = always
    first, second = await platform.deliveries(endpoint)
    answer = await platform.act(endpoint, "replay", {"delivery_id": first["delivery_id"]})
    assert answer == {"replayed": 1}
    await platform.has_ended(endpoint, "delivered", 1)
    spans = {"from": before.isoformat(), "to": datetime.now(UTC).isoformat()}
    assert await platform.act(endpoint, "replay", spans | {"status": "failed"}) == {"replayed": 1}
    await platform.has_ended(endpoint, "delivered", 2)
    assert await platform.act(endpoint, "replay", spans) == {"replayed": 2}
    await platform.has_arrived(12)
    assert {each.id for each in platform.partner.arrived} == {first["event_id"], second["event_id"]}


@pytest.mark.parametrize("retry", ["0.1,0.1"])
async def test_retry_after_is_honoured(platform: Platform) -> None:
    async def busy(_: Arrived) -> tuple[int, dict[str, str]]:
        return (429, {"Retry-After": "2"}) if len(platform.partner.arrived) == 1 else (204, {})

    platform.partner.answer = busy
    endpoint = await platform.endpoint()
    await platform.orders(1)
    await platform.has_ended(endpoint, "delivered", 1)
    first, second = platform.partner.arrived
    assert 2.0 <= second.at - first.at < 4.0


async def test_410_disables_and_what_is_missed_can_be_replayed(platform: Platform) -> None:
    async def gone(_: Arrived) -> tuple[int, dict[str, str]]:
        return 410, {}

    async def back(_: Arrived) -> tuple[int, dict[str, str]]:
        return 200, {}

    platform.partner.answer = gone
    endpoint = await platform.endpoint()
    path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}"
    await platform.orders(1)

    async def disabled() -> bool:
        return bool((await platform.client.get(path)).json()["status"] == "disabled")

    await until(disabled, within=10)
    assert "410" in (await platform.client.get(path)).json()["note"]
    await platform.orders(2, first=1)
    await platform.has_ended(endpoint, "held", 2)
    assert len(platform.partner.arrived) == 1

    platform.partner.answer = back
    await platform.act(endpoint, "resume")
    now = datetime.now(UTC)
    spans = {"from": (now - timedelta(hours=1)).isoformat(), "to": now.isoformat()}
    await platform.act(endpoint, "replay", spans)
    await platform.has_ended(endpoint, "delivered", 3)
    types = await in_log(platform.log, "perennial.engagement")
    assert types.count("perennial.engagement.webhook_endpoint_disabled.v1") == 1


async def in_log(log: Log, topic: str) -> list[str]:
    ends = await log.ends([topic])
    found = await log.read(dict.fromkeys(ends, 0), 10_000)
    return [record.envelope.type for records in found.values() for record in records]


async def test_five_days_of_nothing_but_failure_disable(
    platform: Platform, moving: MovableClock
) -> None:
    async def down(_: Arrived) -> tuple[int, dict[str, str]]:
        return 500, {}

    platform.partner.answer = down
    endpoint = await platform.endpoint()
    path = f"/v1/webhook-endpoints/{endpoint['endpoint_id']}"
    await platform.orders(1)
    await platform.has_ended(endpoint, "failed", 1)
    moving.ahead = 4.9 * 86_400
    await platform.orders(1, first=1)
    await platform.has_ended(endpoint, "failed", 2)
    assert (await platform.client.get(path)).json()["status"] == "active"
    moving.ahead = 5.1 * 86_400
    await platform.orders(1, first=2)

    async def disabled() -> bool:
        return bool((await platform.client.get(path)).json()["status"] == "disabled")

    await until(disabled, within=10)
    assert "five days" in (await platform.client.get(path)).json()["note"]


async def test_two_in_flight_at_most_and_a_slow_one_slows_nobody(platform: Platform) -> None:
    released = asyncio.Event()

    async def slow(seen: Arrived) -> tuple[int, dict[str, str]]:
        if seen.path == "/slow":
            await released.wait()
        await asyncio.sleep(0.01)
        return 204, {}

    platform.partner.answer = slow
    await platform.endpoint("/slow")
    quick = await platform.endpoint("/quick")
    await platform.orders(60)
    await platform.has_ended(quick, "delivered", 60)
    assert len(platform.partner.at("/slow")) == 2
    assert platform.partner.most_in_flight == {"/slow": 2, "/quick": 2}
    released.set()


@pytest.mark.parametrize("retry", ["0.5,0.5,0.5,0.5,0.5"])
async def test_the_breaker_spares_a_dead_receiver(platform: Platform) -> None:
    async def dead(_: Arrived) -> tuple[int, dict[str, str]]:
        return 500, {}

    platform.partner.answer = dead
    endpoint = await platform.endpoint()
    await platform.orders(100)
    await platform.has_arrived(10)
    await asyncio.sleep(1.5)
    assert len(platform.partner.arrived) < 30

    async def alive(_: Arrived) -> tuple[int, dict[str, str]]:
        return 200, {}

    platform.partner.answer = alive
    await platform.has_ended(endpoint, "delivered", 100)


async def test_order_per_customer_where_it_is_asked_for(platform: Platform) -> None:
    async def moody(seen: Arrived) -> tuple[int, dict[str, str]]:
        order = seen.message["data"]["order_id"]
        refused = sum(
            each.message["data"]["order_id"] == order for each in platform.partner.arrived
        )
        # Every third is refused at first, and the others are answered slowly.
        if hash(order) % 3 == 0 and refused < 2:
            return 500, {}
        await asyncio.sleep(0.02)
        return 200, {}

    platform.partner.answer = moody
    endpoint = await platform.endpoint(ordered=True)
    for customer in ("c-1", "c-2", "c-3"):
        await platform.orders(12, customer)
    await platform.has_ended(endpoint, "delivered", 36)
    taken: dict[str, list[str]] = {}
    for seen in platform.partner.arrived:
        data = seen.message["data"]
        series = taken.setdefault(data["customer_id"], [])
        if data["order_id"] not in series:
            series.append(data["order_id"])
    expected = [f"o-{number}" for number in range(12)]
    assert taken == dict.fromkeys(("c-1", "c-2", "c-3"), expected)


async def test_of_two_services_one_delivers_and_the_other_takes_over(
    database_url: str, log_url: str, platform_log: Log, partner: Partner, moving: MovableClock
) -> None:
    settings = settings_for(database_url, log_url)
    async with running(settings, platform_log, partner, moving) as first:
        async with running(settings, platform_log, partner, moving) as second:
            endpoint = await second.endpoint()
            await second.orders(50)
            await second.has_ended(endpoint, "delivered", 50)
            assert len(partner.arrived) == 50
        await first.orders(20, first=50)
        await first.has_ended(endpoint, "delivered", 70)
    assert len({each.id for each in partner.arrived}) == 70
