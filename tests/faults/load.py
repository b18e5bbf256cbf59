"""Customers who shop, complain and click at once, and what the platform told each of them, in order."""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from tests.e2e.shop import Answer, Json, Shop, euros, order_of

SKUS = [f"load-{number}" for number in range(8)]
CLICKS_AT_ONCE = 12


@dataclass
class Told:
    """What clients were answered with: by lane the events, in the order in which they learned of them."""

    events: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    orders: set[str] = field(default_factory=set)

    def hear(self, lane: str, answer: Answer) -> Answer:
        if "perennial-event" in answer.headers:
            self.events[lane].append(answer.event)
        return answer

    @property
    def count(self) -> int:
        return sum(map(len, self.events.values()))


class Customer:
    """One who does one thing after the other, and repeats what was not answered."""

    def __init__(self, shop: Shop, told: Told, dice: random.Random) -> None:
        self.shop = shop
        self.told = told
        self.dice = dice
        self.id = f"l-{uuid4().hex[:12]}"

    async def live(self, stopping: asyncio.Event) -> None:
        """Shop until `stopping`; the purchase at hand is brought to its end."""
        while not stopping.is_set():
            await self.click()
            await self.buy()

    async def do(self, service: str, path: str, body: Json | None = None) -> Answer:
        return self.told.hear(self.id, await self.shop.insist(service, path, body))

    async def click(self) -> None:
        calls: list[Json] = [
            {
                "type": "track",
                "event": self.dice.choice(["Product Viewed", "Product Added", "Searched"]),
                "userId": self.id,
                "messageId": str(uuid4()),
                "properties": {"sku": self.dice.choice(SKUS)},
            }
            for _ in range(CLICKS_AT_ONCE)
        ]
        await self.do("engagement", "/v1/batch", {"batch": calls})

    async def buy(self) -> None:
        skus = self.dice.sample(SKUS, 2)
        lines = [(sku, self.dice.randint(1, 3), 100 * self.dice.randint(1, 50)) for sku in skus]
        discount = euros(self.dice.randint(0, 50))
        placed = await self.do("orders", "/v1/orders", order_of(self.id, *lines, discount=discount))
        order_id = placed.body["order_id"]
        self.told.orders.add(order_id)
        path = f"/v1/orders/{order_id}"
        await self.do("orders", f"{path}/pay")
        if self.dice.random() < 0.2:
            await self.do("orders", f"{path}/cancel")
            return
        await self._receive(path)
        if self.dice.random() < 0.3:
            await self._send_back(path, skus[0])
        if self.dice.random() < 0.3:
            await self._complain(order_id)

    async def _receive(self, path: str) -> None:
        now = datetime.now(UTC)
        promised = now + timedelta(days=self.dice.choice([-1, 1]))
        parcel = {"carrier": "DHL", "tracking_number": "1Z", "promised_at": promised.isoformat()}
        shipped = await self.do("orders", f"{path}/shipments", parcel)
        scan = {"at": now.isoformat(), "status": "delivered"}
        await self.do("orders", f"/v1/shipments/{shipped.body['shipment_id']}/scans", scan)

    async def _send_back(self, path: str, sku: str) -> None:
        body = {"kind": "refund", "lines": [{"sku": sku, "quantity": 1}], "reason": "too many"}
        wanted = await self.do("orders", f"{path}/returns", body)
        back = f"/v1/returns/{wanted.body['return_id']}"
        await self.do("orders", f"{back}/receive")
        await self.do("orders", f"{back}/refund")

    async def _complain(self, order_id: str) -> None:
        body = {"customer_id": self.id, "order_id": order_id, "text": "Broken.", "channel": "email"}
        complaint = await self.do("support", "/v1/complaints", body)
        if self.dice.random() < 0.7:
            case = f"/v1/cases/{complaint.body['case_id']}"
            await self.do("support", f"{case}/reply", {"text": "Sorry."})
            await self.do("support", f"{case}/resolve", {})


@asynccontextmanager
async def under_load(shop: Shop, *, customers: int = 6, seed: int = 1) -> AsyncIterator[Told]:
    """Customers shop while the block runs; behind it, each has an answer to all that they asked."""
    told, stopping = Told(), asyncio.Event()
    async with asyncio.TaskGroup() as lanes:
        for number in range(customers):
            customer = Customer(shop, told, random.Random(seed * 1_000 + number))
            lanes.create_task(customer.live(stopping))
        try:
            yield told
        finally:
            stopping.set()


async def at_least(told: Told, more: int, within: float = 60.0) -> None:
    """Wait until the platform has taken so many more writes."""
    wanted = told.count + more
    async with asyncio.timeout(within):
        while told.count < wanted:  # noqa: ASYNC110 - many lanes count
            await asyncio.sleep(0.02)
