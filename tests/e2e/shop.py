"""A storefront's backend: the public APIs of a running platform, as a client of theirs uses them."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import httpx

Json = dict[str, Any]

AGAIN = frozenset({409, 500, 503})
"""Answers with `Retry-After`, or failures, upon which a client tries again with the same key."""
PAUSE_SECONDS = 0.05


class Refused(AssertionError):
    """The platform refused what a test expected it to take."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and the event that it told of."""

    status: int
    body: Any
    headers: httpx.Headers

    @property
    def event(self) -> str:
        return str(self.headers["perennial-event"])

    @property
    def replayed(self) -> bool:
        return "idempotent-replayed" in self.headers


class Shop:
    """A client with one key. `after` names the event that a read must include."""

    def __init__(self, urls: Mapping[str, str], key: str) -> None:
        headers = {"authorization": f"Bearer {key}"}
        # Keep-alive connections break when a service is killed; a retry then takes a new one.
        self._clients = {
            name: httpx.AsyncClient(base_url=url, headers=headers, timeout=20)
            for name, url in urls.items()
        }
        self.statuses: Counter[int] = Counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def ask(self, service: str, method: str, path: str, **request: Any) -> Answer:
        """One request, whatever is answered. Raises `httpx.TransportError`."""
        answer = await self._clients[service].request(method, path, **request)
        self.statuses[answer.status_code] += 1
        body = answer.json() if answer.content else None
        return Answer(answer.status_code, body, answer.headers)

    async def get(self, service: str, path: str, *, after: str | None = None, **query: Any) -> Any:
        """The body of a successful read."""
        headers = {"Perennial-After": after} if after else {}
        answer = await self.ask(service, "GET", path, headers=headers, params=query)
        return _checked(answer, path).body

    async def post(self, service: str, path: str, body: Any = None) -> Answer:
        """A write that must succeed at once."""
        return _checked(await self.ask(service, "POST", path, json=body), path)

    async def insist(
        self, service: str, path: str, body: Any = None, *, within: float = 60.0
    ) -> Answer:
        """A write that is repeated, with one Idempotency-Key, until the platform answers for good."""
        headers = {"Idempotency-Key": str(uuid4())}
        async with asyncio.timeout(within):
            while True:
                try:
                    answer = await self.ask(service, "POST", path, json=body, headers=headers)
                except httpx.TransportError:
                    await asyncio.sleep(PAUSE_SECONDS)
                    continue
                # A conflict that will not pass by itself comes without Retry-After.
                if answer.status not in AGAIN or (
                    answer.status == 409 and "retry-after" not in answer.headers
                ):
                    return _checked(answer, path)
                await asyncio.sleep(PAUSE_SECONDS)

    async def send_lines(self, service: str, path: str, lines: Sequence[str]) -> Json:
        """An import of NDJSON; answers with its totals."""
        answer = await self._clients[service].post(
            path,
            content="\n".join(lines),
            headers={"Content-Type": "application/x-ndjson"},
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
        return dict(json.loads(answer.text.splitlines()[-1]))

    async def text(self, service: str, path: str) -> str:
        """A document that is no JSON."""
        answer = await self._clients[service].get(path)
        assert answer.status_code == 200, answer.text
        return answer.text

    async def put_product(self, sku: str, category: str, price: int, cost: int) -> Answer:
        body = {
            "name": sku.title(),
            "category": category,
            "price": euros(price),
            "cost": euros(cost),
            "available": True,
        }
        return _checked(await self.ask("orders", "PUT", f"/v1/products/{sku}", json=body), sku)

    async def state(self, customer_id: str, after: str | None = None) -> Json:
        return dict(await self.get("profile", f"/v1/customers/{customer_id}/state", after=after))

    async def timeline(self, customer_id: str, after: str | None = None) -> list[Json]:
        """The whole timeline, newest first, read page by page."""
        entries: list[Json] = []
        query: dict[str, str] = {}
        while True:
            page = await self.get(
                "profile", f"/v1/customers/{customer_id}/timeline", after=after, limit=20, **query
            )
            entries += page["data"]
            if page["next_cursor"] is None:
                return entries
            query = {"cursor": page["next_cursor"]}


def _checked(answer: Answer, what: str) -> Answer:
    if answer.status >= 400:
        raise Refused(f"{what}: {answer.status} {answer.body}")
    return answer


def euros(amount: int) -> Json:
    return {"amount": amount, "currency": "EUR"}


def order_of(customer_id: str, *lines: tuple[str, int, int], **more: Any) -> Json:
    """The body of an order; a line is a sku, a quantity and a unit price in cents."""
    return {
        "customer_id": customer_id,
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": euros(price)}
            for sku, quantity, price in lines
        ],
        **more,
    }


async def eventually(holds: Callable[[], Any], within: float = 10.0) -> Any:
    """Await `holds()` again and again until it is true; answers with that."""
    async with asyncio.timeout(within):
        while not (found := await holds()):  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(PAUSE_SECONDS)
    return found
