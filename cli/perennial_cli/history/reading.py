"""Reading from the services what a replay has led to."""

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

from perennial_cli.history.platform import Platform
from perennial_cli.history.sending import Sender
from perennial_cli.history.shop import Body, History, Kind

LONGEST_WAIT_S = 120.0
PAUSE_S = 0.5
GRADES_PAUSE_S = 1.0
EQUAL_ANSWERS = 4
UNDER_WAY = frozenset({"queued", "running"})
"""States of a job that goes on."""
PROBES = 9
TIMELINE_LENGTH = 12
RECOMMENDATIONS = 5
FITTING_ORDERS = range(4, 13)
"""Of a customer worth showing: enough to have a story, few enough to be a person."""


@dataclass(frozen=True, slots=True)
class View:
    """Answers of the services; what a service could not answer is None."""

    profile_url: str
    settled_s: float | None
    fresh_ms: float | None
    stages: Body | None
    value_segments: Body | None
    value_tiers: Body | None
    value_model: Body | None
    totals: Body | None
    customer_id: str | None
    state: Body | None
    timeline: Body | None
    also_bought: Body | None
    trending: Body | None


async def read_view(sender: Sender, platform: Platform, history: History) -> View:
    """Wait until the customers' states have caught up, then read everything there is to show.

    `settled_s` is the wait in seconds, None if they had not caught up after two minutes.
    """
    settled_s = await _settle(sender, platform)
    if await _fit(sender, platform):
        await _settle(sender, platform)
    await _settle_grades(sender, platform)
    customer = interesting_customer(history)
    one = f"{platform.profile}/v1/customers/{customer}"
    recommended = f"{platform.recommend}/v1/recommendations?limit={RECOMMENDATIONS}"
    for_customer = f"{recommended}&customer_id={customer}" if customer else recommended
    addresses = {
        "stages": f"{platform.profile}/v1/stages",
        "value_segments": f"{platform.profile}/v1/value-segments",
        "value_tiers": f"{platform.profile}/v1/value-tiers",
        "value_model": f"{platform.profile}/v1/value-model",
        "totals": f"{platform.orders}/v1/totals",
        "state": f"{one}/state" if customer else None,
        "timeline": f"{one}/timeline?limit={TIMELINE_LENGTH}" if customer else None,
        "also_bought": f"{for_customer}&strategy=also_bought",
        "trending": f"{for_customer}&strategy=trending",
    }
    answers = await asyncio.gather(*(_get(sender, url) for url in addresses.values()))
    found: Mapping[str, Body | None] = dict(zip(addresses, answers, strict=True))
    fresh_ms = await _freshness(sender, platform, customer)
    return View(
        profile_url=platform.profile,
        settled_s=settled_s,
        fresh_ms=fresh_ms,
        customer_id=customer,
        **found,
    )


def interesting_customer(history: History) -> str | None:
    """A customer with several orders, a complaint, a return and clicks, if there is one; the one
    whose last order is latest among equals."""
    orders = history.of_kind(Kind.ORDER)
    if not orders:
        return None
    count = Counter(item.key for item in orders)
    told = Counter(item.key for item in history.of_kind(Kind.COMPLAINT))
    back = Counter(item.key for item in orders if "returns" in item.body)
    last = {item.key: item.at for item in orders}

    def worth(key: str) -> tuple[Any, ...]:
        story = (told[key] > 0) + (back[key] > 0)
        return (count[key] in FITTING_ORDERS, story, min(count[key], 8), last[key])

    return max(count, key=worth)


async def _settle(sender: Sender, platform: Platform) -> float | None:
    """Wait until no service has events left to apply."""
    started = perf_counter()
    services = (platform.profile, platform.support, platform.recommend)
    while perf_counter() - started < LONGEST_WAIT_S:
        lags = [await _get(sender, f"{service}/v1/operations/lag") for service in services]
        if all(lag is not None and lag["behind"] == 0 for lag in lags):
            return perf_counter() - started
        await asyncio.sleep(PAUSE_S)
    return None


async def _fit(sender: Sender, platform: Platform) -> bool:
    """Have the value model fitted on these orders, where the platform offers that; say whether it was."""
    fit = f"{platform.profile}/v1/value-model/fit"
    headers = {"content-type": "application/json"}
    answer = await sender.send("POST", fit, content=lambda: b"{}", headers=headers)
    if answer.status_code != 202:
        return False
    job = platform.profile + answer.headers["location"]
    started = perf_counter()
    while perf_counter() - started < LONGEST_WAIT_S:
        found = await _get(sender, job)
        if found is None or found.get("status") not in UNDER_WAY:
            return found is not None
        await asyncio.sleep(PAUSE_S)
    return False


async def _settle_grades(sender: Sender, platform: Platform) -> None:
    """Wait until the clock has divided the buyers anew: the answers stay equal for some seconds."""
    started, same, before = perf_counter(), 0, None
    while same < EQUAL_ANSWERS and perf_counter() - started < LONGEST_WAIT_S:
        counts = [
            await _get(sender, f"{platform.profile}/v1/{name}")
            for name in ("value-segments", "value-tiers")
        ]
        if counts == [None, None]:
            return
        same = same + 1 if counts == before else 0
        before = counts
        await asyncio.sleep(GRADES_PAUSE_S)


async def _freshness(sender: Sender, platform: Platform, customer: str | None) -> float | None:
    """How long it takes from an accepted click to a state that has seen it, in milliseconds."""
    if customer is None:
        return None
    click = {"type": "track", "event": "Freshness Probed", "anonymousId": "sim-probe"}
    url = f"{platform.profile}/v1/customers/{customer}/state"
    body = json.dumps(click).encode()
    times = []
    for _probe in range(PROBES):
        answer = await sender.send(
            "POST",
            f"{platform.engagement}/v1/track",
            content=lambda: body,
            headers={"content-type": "application/json"},
        )
        event = answer.headers.get("perennial-event")
        if event is None:
            return None
        accepted = perf_counter()
        await sender.send("GET", url, headers={"perennial-after": event})
        times.append((perf_counter() - accepted) * 1000)
    return median(times)


async def _get(sender: Sender, url: str | None) -> Body | None:
    if url is None:
        return None
    answer = await sender.send("GET", url)
    if not answer.is_success:
        return None
    body = answer.json()
    return body if isinstance(body, dict) else None
