"""Freshness: how long after a write was accepted the customer's state shows it.

An open loop: writes are due at fixed times, whether or not earlier ones are answered. For a sample of
them a probe reads the state (an order that is only placed: the timeline) as soon as the answer is in,
with `Perennial-After`, and checks that the change is really in what it reads. Probed customers are new
ones, so that what their state must show is known.
"""

import asyncio
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from pydantic_core import from_json

from bench.load.client import Answer, Connection, connect_all
from bench.load.measured import MILLISECONDS, Measured, percentile, summarize
from bench.load.traffic import Shop

PROBED = 0.04
"""Of 500 writes a second, 20."""

_CONNECTIONS = {"engagement": 48, "orders": 32, "profile": 32}
_SLOTS = ("click",) * 8 + ("place", "pay")
"""What ten writes in a row are."""

_CLICK, _PLACED, _PAID = "click", "placed order", "paid order"
_GRACE_SECONDS = 20.0


class Probe(NamedTuple):
    """How a change is looked for: the request, of a customer and after an event, and its answer's check."""

    request: Callable[[Shop, str, str], bytes]
    shows: Callable[[Any], bool]


Probes = Mapping[str, Probe]

STATE: Probes = {
    _CLICK: Probe(Shop.state_request, lambda read: bool(read["clicks"]["total"] == 1)),
    _PAID: Probe(Shop.state_request, lambda read: bool(read["orders"]["count"] == 1)),
    _PLACED: Probe(
        Shop.timeline_request,
        lambda read: any(e["type"] == "perennial.orders.order_placed.v1" for e in read["data"]),
    ),
}


def _enters(segment_id: str) -> Probe:
    return Probe(
        Shop.memberships_request,
        lambda read: any(each["segment_id"] == segment_id for each in read["data"]),
    )


MEMBERSHIP: Probes = {
    _CLICK: _enters("bench-looking"),
    _PLACED: _enters("bench-ordered"),
    _PAID: _enters("bench-buyers"),
}
"""That the change moved its customer into the segment that is about such changes; see `segments`."""


class _Load:
    """The state of one run: what was accepted, how late it was seen, what went wrong."""

    def __init__(
        self, shop: Shop, connections: Mapping[str, list[Connection]], seed: int, probes: Probes
    ) -> None:
        self._shop = shop
        self._probes_of = probes
        self._random = random.Random(seed)
        self._seed = seed
        self._probes = 0
        # In turn, so that none is idle for so long that the service closes it.
        self._free: dict[str, asyncio.Queue[Connection]] = {}
        for service, some in connections.items():
            self._free[service] = asyncio.Queue()
            for connection in some:
                self._free[service].put_nowait(connection)
        self._unpaid: deque[tuple[str, str | None]] = deque()
        self.accepted = 0
        self.seen: dict[str, list[float]] = {_CLICK: [], _PLACED: [], _PAID: []}
        self.answered: list[float] = []
        self.failures: Counter[str] = Counter()

    async def write(self, slot: int) -> None:
        """Do what is due in this slot."""
        kind = _SLOTS[slot % len(_SLOTS)]
        if kind == "click":
            await self._click()
        elif kind == "pay" and self._unpaid:
            await self._pay(*self._unpaid.popleft())
        else:
            await self._place()

    async def _click(self) -> None:
        probed = self._probe()
        event = await self._send("engagement", self._shop.track_request(probed), 200)
        if event and probed:
            await self._look(_CLICK, probed, *event)

    async def _place(self) -> None:
        probed = self._probe()
        probed_when_paid = None if probed else self._probe()
        order_id, request = self._shop.order(probed or probed_when_paid)
        event = await self._send("orders", request, 201)
        if event is None:
            return
        self._unpaid.append((order_id, probed_when_paid))
        if probed:
            await self._look(_PLACED, probed, *event)

    async def _pay(self, order_id: str, probed: str | None) -> None:
        event = await self._send("orders", self._shop.pay_request(order_id), 200)
        if event and probed:
            await self._look(_PAID, probed, *event)

    def _probe(self) -> str | None:
        """A new customer where the next write is to be probed."""
        if self._random.random() > PROBED:
            return None
        self._probes += 1
        return f"probe-{self._seed}-{self._probes}"

    async def _send(self, service: str, request: bytes, expected: int) -> tuple[str, float] | None:
        """The event of an accepted write, and when it was accepted."""
        sent = time.perf_counter()
        answer = await self._exchange(service, request)
        if answer is None:
            return None
        at = time.perf_counter()
        event = answer.header("perennial-event")
        if answer.status != expected or event is None:
            self.failures[f"write: status {answer.status}, event {event}"] += 1
            return None
        self.accepted += 1
        self.answered.append(at - sent)
        return event, at

    async def _look(self, kind: str, customer: str, event: str, accepted_at: float) -> None:
        probe = self._probes_of[kind]
        answer = await self._exchange("profile", probe.request(self._shop, customer, event))
        if answer is None:
            return
        # A read that gave up counts with the time that it took: it must not flatter the rest.
        self.seen[kind].append(time.perf_counter() - accepted_at)
        if answer.status != 200:
            self.failures[f"probe: {kind}: status {answer.status}"] += 1
        elif not probe.shows(from_json(answer.body)):
            self.failures[f"probe: {kind} is not in what was read"] += 1

    async def _exchange(self, service: str, request: bytes) -> Answer | None:
        free = self._free[service]
        connection = await free.get()
        try:
            answer = await connection.send(request)
        except ConnectionError:
            self.failures[f"{service}: connection lost"] += 1
            return None
        free.put_nowait(connection)
        return answer


async def run(
    shop: Shop,
    ports: Mapping[str, int],
    *,
    rate: int,
    seconds: float,
    seed: int,
    probes: Probes = STATE,
) -> Measured:
    """Offer `rate` writes a second, each of one event, for so many seconds."""
    connections = {
        service: await connect_all(ports[service], count) for service, count in _CONNECTIONS.items()
    }
    load = _Load(shop, connections, seed, probes)
    processor, began = time.process_time(), time.perf_counter()
    late: list[float] = []
    try:
        async with asyncio.timeout(seconds + _GRACE_SECONDS), asyncio.TaskGroup() as group:
            for slot in range(int(rate * seconds)):
                due = began + slot / rate
                if (wait := due - time.perf_counter()) > 0:
                    await asyncio.sleep(wait)
                late.append(time.perf_counter() - due)
                group.create_task(load.write(slot))
    except TimeoutError:
        load.failures["no answer"] += 1
    lasted = max(time.perf_counter() - began, seconds)
    for connection in (one for some in connections.values() for one in some):
        connection.close()
    return _summary(load, rate, seconds, lasted, late, time.process_time() - processor)


def _summary(
    load: _Load, rate: int, seconds: float, lasted: float, late: list[float], processor: float
) -> Measured:
    seen = [each for some in load.seen.values() for each in some]
    achieved = load.accepted / lasted
    text = (
        f"{rate} events/s for {seconds:.0f} s in an open loop (8 clicks, a place, a pay), of which"
        f" {achieved:.0f}/s were accepted; {len(seen)} probes"
    )
    measured = summarize(text, seen, load.failures, seconds=lasted, processor_seconds=processor)
    notes = {
        "offered_per_s": float(rate),
        "achieved_per_s": achieved,
        "sent_late_p99_ms": percentile(sorted(late), 0.99) * MILLISECONDS,
        "write_p50_ms": percentile(sorted(load.answered), 0.50) * MILLISECONDS,
        "write_p99_ms": percentile(sorted(load.answered), 0.99) * MILLISECONDS,
    }
    for kind, times in load.seen.items():
        notes[f"{kind} p50_ms"] = percentile(sorted(times), 0.50) * MILLISECONDS
        notes[f"{kind} p99_ms"] = percentile(sorted(times), 0.99) * MILLISECONDS
    client_us = processor / max(1, len(late)) * 1e6
    return measured.model_copy(update={"notes": notes, "client_us": client_us})
