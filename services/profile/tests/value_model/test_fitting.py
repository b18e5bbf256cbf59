"""The value model through the service: fitted by the API, followed by every event, kept by the clock."""

import random
from datetime import timedelta
from typing import Any

import httpx


async def test_quick(client: httpx.AsyncClient, tell: Any, fit: Any, state_of: Any, clock: Any, bought: Any, history: Any) -> None:
    assert (await client.get("/v1/value-model")).json()["status"] == "none"
    chance = random.Random(1)
    n = 0
    events = []
    begin = clock() - timedelta(days=400)
    for c in range(200):
        rate = chance.gammavariate(0.8, 1 / 40)
        at = begin + timedelta(days=chance.randrange(200))
        while at < clock():
            n += 1
            events.append((at, bought(f"o-{n}", f"c-{c}", chance.randrange(500, 5000))))
            if chance.random() < 0.1: break
            at += timedelta(days=chance.expovariate(max(rate,1e-6)) + 0.01) if rate > 1e-4 else timedelta(days=9999)
    await history(events)
    job = await fit()
    print(job)
    model = (await client.get("/v1/value-model")).json()
    print(model)
    print(await state_of("c-1"))
    assert 0
