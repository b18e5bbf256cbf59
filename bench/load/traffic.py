"""What a shop sends: Segment calls and orders, seeded, encoded before the clock starts."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pydantic_core import to_json

from bench.load.client import encode

CUSTOMERS = 20_000
SKUS = 2_000
BATCH_ITEMS = 500
CATEGORIES = ("shoes", "garden", "books", "kitchen", "toys", "lamps", "bikes", "tea")
_EVENTS = (
    "Product Viewed",
    "Product Viewed",
    "Product Viewed",
    "Product Added",
    "Products Searched",
)
_AGENT = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Safari/537.36"
)


def customer(number: int) -> str:
    return f"c-{number % CUSTOMERS:05d}"


def sku(number: int) -> str:
    return f"sku-{number % SKUS:04d}"


class Shop:
    """Makes requests for the platform that `key` opens; another seed gives other ids."""

    def __init__(self, key: str, seed: int) -> None:
        self._key = key
        self._random = random.Random(seed)
        self._orders = 0
        self._prefix = f"o-{seed}"

    def track(self, user: str | None = None) -> dict[str, Any]:
        """One call as analytics.js sends it; without `user`, of anybody (a third anonymous)."""
        chance = self._random
        number = chance.randrange(SKUS)
        path = f"/products/{sku(number)}"
        call: dict[str, Any] = {
            "type": "track",
            "messageId": f"ajs-next-{chance.getrandbits(128):032x}",
            "anonymousId": f"{chance.getrandbits(128):032x}",
            "event": chance.choice(_EVENTS),
            "properties": {
                "product_id": sku(number),
                "sku": sku(number),
                "category": CATEGORIES[number % len(CATEGORIES)],
                "name": f"Article {number}",
                "price": number % 190 + 0.99,
                "currency": "EUR",
                "quantity": 1,
            },
            "context": {
                "library": {"name": "analytics.js", "version": "npm:next-1.81.0"},
                "page": {"path": path, "url": f"https://shop.example{path}", "referrer": ""},
                "userAgent": _AGENT,
                "locale": "de-DE",
            },
            "timestamp": _now(),
        }
        if user is not None or chance.random() > 1 / 3:
            call["userId"] = user or customer(chance.randrange(CUSTOMERS))
        return call

    def track_request(self, user: str | None = None) -> bytes:
        return encode("POST", "/v1/track", self._key, to_json(self.track(user)))

    def batch_request(self, users: Iterator[str] | None = None) -> bytes:
        """500 calls; of `users`, each in turn, where they are given."""
        calls = [self.track(next(users) if users else None) for _ in range(BATCH_ITEMS)]
        return encode("POST", "/v1/batch", self._key, to_json({"batch": calls, "sentAt": _now()}))

    def order(self, user: str | None = None) -> tuple[str, bytes]:
        """The id of an order of three lines, and the request that places it."""
        chance = self._random
        self._orders += 1
        order_id = f"{self._prefix}-{self._orders}"
        numbers = chance.sample(range(SKUS), 3)
        lines = [
            {
                "sku": sku(number),
                "quantity": chance.randint(1, 3),
                "unit_price": {"amount": number % 190 * 100 + 99, "currency": "EUR"},
                "category": CATEGORIES[number % len(CATEGORIES)],
            }
            for number in numbers
        ]
        body = {
            "order_id": order_id,
            "customer_id": user or customer(chance.randrange(CUSTOMERS)),
            "lines": lines,
            "shipping": {"amount": 490, "currency": "EUR"},
        }
        headers = [("Idempotency-Key", f"place-{order_id}")]
        return order_id, encode("POST", "/v1/orders", self._key, to_json(body), headers)

    def pay_request(self, order_id: str) -> bytes:
        headers = [("Idempotency-Key", f"pay-{order_id}")]
        return encode("POST", f"/v1/orders/{order_id}/pay", self._key, headers=headers)

    def product_request(self, number: int) -> bytes:
        category = CATEGORIES[number % len(CATEGORIES)]
        price = {"amount": number % 190 * 100 + 99, "currency": "EUR"}
        body = {
            "name": f"Article {number}",
            "category": category,
            "price": price,
            "available": True,
        }
        return encode("PUT", f"/v1/products/{sku(number)}", self._key, to_json(body))

    def contacts_request(self, customer_ids: list[str]) -> bytes:
        body = {"customer_ids": customer_ids, "channel": "email", "purpose": "marketing"}
        return encode("POST", "/v1/contacts:lookup", self._key, to_json(body))

    def state_request(self, customer_id: str, after: str | None = None) -> bytes:
        return self._read(f"/v1/customers/{customer_id}/state", after)

    def timeline_request(self, customer_id: str, after: str | None = None) -> bytes:
        return self._read(f"/v1/customers/{customer_id}/timeline", after)

    def memberships_request(self, customer_id: str, after: str | None = None) -> bytes:
        return self._read(f"/v1/customers/{customer_id}/segments", after)

    def segment_request(self, segment_id: str, rule: dict[str, Any]) -> bytes:
        body = {"name": segment_id, "rule": rule}
        return encode("PUT", f"/v1/segments/{segment_id}", self._key, to_json(body))

    def _read(self, path: str, after: str | None) -> bytes:
        headers = [("Perennial-After", after)] if after else []
        return encode("GET", path, self._key, headers=headers)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
