"""The loads, by name. Each encodes what it will send, then runs, and answers with what it measured."""

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Coroutine
from itertools import chain, islice, repeat
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json

from bench.load import closed_loop, freshness
from bench.load.client import Answer, encode
from bench.load.measured import Measured
from bench.load.traffic import BATCH_ITEMS, SKUS, Shop, customer


class Job(BaseModel):
    """What the load process is asked to do."""

    scenario: str
    ports: dict[str, int]
    key: str
    seed: int
    """Every job of a run has another, so that no id comes twice."""
    requests: int
    clients: int
    within: float
    """Seconds after which no further request is sent."""
    rate: int = 0
    """Events a second, where the load is not as fast as it is answered."""


async def nothing(job: Job) -> Measured:
    """Calls to a server that only answers: what the client itself costs."""
    shop = Shop(job.key, job.seed)
    requests = [shop.track_request() for _ in range(job.requests)]
    load = f"{job.clients} clients, {job.requests:,} requests to a server that only answers"
    return await _closed(job, load, "nothing", requests, closed_loop.has_status(200))


async def single(job: Job) -> Measured:
    shop = Shop(job.key, job.seed)
    requests = [shop.track_request() for _ in range(job.requests)]
    load = f"{job.clients} connections, {job.requests:,} calls"
    return await _closed(job, load, "engagement", requests, closed_loop.has_status(200))


async def batch(job: Job) -> Measured:
    """Counts events, not requests; `p99_ms` is a request's."""
    shop = Shop(job.key, job.seed)
    requests = [shop.batch_request() for _ in range(job.requests)]
    events = job.requests * BATCH_ITEMS
    load = f"{job.clients} connections, {events:,} events in batches of {BATCH_ITEMS}"
    measured = await _closed(job, load, "engagement", requests, _all_taken)
    return measured.model_copy(
        update={"done": measured.done * BATCH_ITEMS, "per_s": measured.per_s * BATCH_ITEMS}
    )


async def orders(job: Job) -> Measured:
    shop = Shop(job.key, job.seed)
    requests = [shop.order()[1] for _ in range(job.requests)]
    load = f"{job.clients} clients, {job.requests:,} orders of 3 lines with Idempotency-Key"
    return await _closed(job, load, "orders", requests, closed_loop.has_status(201))


async def reads(job: Job) -> Measured:
    """States of the customers that `history` gave clicks and orders."""
    shop = Shop(job.key, job.seed)
    each = [shop.state_request(known(number)) for number in range(KNOWN_CUSTOMERS)]
    requests = list(islice(chain.from_iterable(repeat(each)), job.requests))
    load = f"{job.clients} clients, {job.requests:,} reads of {KNOWN_CUSTOMERS:,} states"
    return await _closed(job, load, "profile", requests, closed_loop.has_status(200))


async def contacts(job: Job) -> Measured:
    """Look-ups as a sender makes them: 500 customers from all over the base, each in its place."""
    shop = Shop(job.key, job.seed)
    chosen = random.Random(job.seed)
    requests = [
        shop.contacts_request([contact(n) for n in chosen.sample(range(CONTACTS), LOOKED_UP)])
        for _ in range(job.requests)
    ]
    load = (
        f"{job.clients} clients, {job.requests:,} look-ups of {LOOKED_UP} of {CONTACTS:,} customers"
    )
    return await _closed(job, load, "profile", requests, _all_in_place)


CONTACTS, LOOKED_UP = 100_000, 500


def contact(number: int) -> str:
    return f"contact-{number:06d}"


def _all_in_place(answer: Answer) -> str | None:
    if answer.status != 200:
        return f"status {answer.status}"
    # One in ten never allowed it (see bench/contacts.py); all the others have an address.
    reached = answer.body.count(b'"reason":null')
    found = answer.body.count(b'"customer_id"')
    return None if found == LOOKED_UP and 0.8 * found < reached < found else "wrong contacts"


KNOWN_CUSTOMERS = 1_000
_CLICKS_EACH = 20
_ORDERS_EACH = 2


def known(number: int) -> str:
    """Every nineteenth customer, so that those who are read are spread over the tables."""
    return customer(number * 19)


async def history(job: Job) -> Measured:
    """Give the products their names and 1,000 customers 20 clicks and 2 paid orders each."""
    shop = Shop(job.key, job.seed)
    users = [known(number) for number in range(KNOWN_CUSTOMERS)]
    placed = [shop.order(user) for user in users for _ in range(_ORDERS_EACH)]
    clicks = iter([user for _ in range(_CLICKS_EACH) for user in users])
    batches = [shop.batch_request(clicks) for _ in range(_CLICKS_EACH * len(users) // BATCH_ITEMS)]
    products = [shop.product_request(number) for number in range(SKUS)]
    succeeded = _two_hundred
    steps = [
        await _closed(job, "products", "orders", products, succeeded),
        await _closed(job, "orders", "orders", [request for _, request in placed], succeeded),
        await _closed(
            job, "payments", "orders", [shop.pay_request(id) for id, _ in placed], succeeded
        ),
        await _closed(job, "clicks", "engagement", batches, _all_taken),
    ]
    failures = {f"{step.load}: {why}": n for step in steps for why, n in step.failures.items()}
    return steps[-1].model_copy(update={"load": "history", "failures": failures})


async def fresh(job: Job) -> Measured:
    return await freshness.run(
        Shop(job.key, job.seed), job.ports, rate=job.rate, seconds=job.within, seed=job.seed
    )


_BUYERS = {"field": "orders.count", "op": ">=", "value": 1}

SEGMENTS: dict[str, dict[str, Any]] = {
    "bench-looking": {
        "any": [
            {"event": name, "within": "7d"}
            for name in ("product_viewed", "product_added", "searched")
        ]
    },
    "bench-ordered": {"event": "order_placed", "within": "7d"},
    "bench-buyers": _BUYERS,
    "bench-prospects": {"all": [{"not": _BUYERS}, {"segment": "bench-looking"}]},
    "bench-often": {"event": "product_viewed", "count": {"op": ">=", "value": 5}, "within": "30d"},
    "bench-value": {"field": "orders.net", "op": ">=", "value": 20_000},
    "bench-abandoned": {
        "event": "product_added",
        "within": "30d",
        "not_followed_by": {"event": "order_placed", "within": "3d"},
    },
    "bench-silent": {"not": {"field": "clicks.last_seen_at", "op": "within", "value": "30d"}},
    "bench-active": {"field": "stage", "op": "in", "value": ["new", "active"]},
    "bench-complained": {"field": "support.complaints_90d", "op": ">", "value": 0},
}
"""What a shop has of them; most clicks and orders concern several."""


async def segments(job: Job) -> Measured:
    """Make the segments whose members `members` watches."""
    shop = Shop(job.key, job.seed)
    requests = [shop.segment_request(id, rule) for id, rule in SEGMENTS.items()]
    return await _closed(
        job, f"{len(SEGMENTS)} segments", "profile", requests, closed_loop.has_status(200)
    )


async def members(job: Job) -> Measured:
    """As `fresh`, and what is read is which segments the customer is a member of."""
    return await freshness.run(
        Shop(job.key, job.seed),
        job.ports,
        rate=job.rate,
        seconds=job.within,
        seed=job.seed,
        probes=freshness.MEMBERSHIP,
    )


async def _closed(
    job: Job, load: str, service: str, requests: list[bytes], verdict: closed_loop.Verdict
) -> Measured:
    return await closed_loop.run(
        load, job.ports[service], job.clients, requests, verdict, job.within
    )


def _two_hundred(answer: Answer) -> str | None:
    return None if answer.status // 100 == 2 else f"status {answer.status}"


def _all_taken(answer: Answer) -> str | None:
    if answer.status != 200:
        return f"status {answer.status}"
    return None if b'"refused":[]' in answer.body else "refused items"


async def partner(job: Job) -> Measured:
    """Signed webhooks of a mail provider, each of another message. Its secret is the job's key."""
    requests = []
    for number in range(job.requests):
        told = {"message_id": f"m-{job.seed}-{number}", "event": "delivered"}
        event = {**told, "at": "2026-03-02T12:00:00Z"}
        body = to_json({"id": f"d-{job.seed}-{number}", "events": [event]})
        digest = hmac.new(job.key.encode(), body, hashlib.sha256).digest()
        signature = ("X-Signature", base64.b64encode(digest).decode())
        requests.append(encode("POST", "/v1/partners/bench/events", "", body, [signature]))
    load = f"{job.clients} connections, {job.requests:,} signed mail events"
    return await _closed(job, load, "engagement", requests, _applied)


def _applied(answer: Answer) -> str | None:
    if answer.status != 200:
        return f"status {answer.status}"
    return None if b'"applied"' in answer.body else "not applied"


SCENARIOS: dict[str, Callable[[Job], Coroutine[Any, Any, Measured]]] = {
    "nothing": nothing,
    "history": history,
    "single": single,
    "batch": batch,
    "orders": orders,
    "reads": reads,
    "contacts": contacts,
    "fresh": fresh,
    "segments": segments,
    "members": members,
    "partner": partner,
}
