"""Clicks of simulated visitors: what is looked at, put in the cart, and left there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random

from perennial_cli.history.catalogue import BY_CATEGORY, BY_SLUG, Product
from perennial_cli.history.shop import Body, Item, Kind, rfc3339

ABANDONED_CART_SHARE = 0.3
"""Of sessions without an order, how many leave something in the cart."""

VIEWED_BEFORE_ADDED_SHARE = 0.65
"""Of goods put in the cart, how many were looked at first; the others are added from a list."""

SEARCH_SHARE = 0.15
LOOK_AT_COMPLEMENT_SHARE = 0.4
POPULARITY_EXPONENT = 0.8
"""Within a category the k-th product draws 1/k^0.8 of the interest of the first."""

Step = tuple[str, Product | None]
"""The event's name in Segment's commerce vocabulary, and the product it is about."""

Taste = dict[str, float]
"""Weight of each category for one visitor."""


@dataclass(slots=True)
class Browser:
    """One visitor's device. `customer_id` is set once it is known whose it is."""

    name: str
    anonymous_id: str
    key: str
    customer_id: str | None = None
    campaign: Body | None = None
    sent: int = field(default=0)

    def item(self, at: datetime, event: str, product: Product | None) -> Item:
        """A track call of the Segment API (a page call for `event` ""), marked as simulated."""
        properties: Body = {"simulated": True}
        body = self._base(at)
        if event:
            body |= {"type": "track", "event": event}
        else:
            body |= {"type": "page", "name": "Home"}
            if self.campaign is not None:
                body["context"] = {"campaign": self.campaign}
        if product is not None:
            properties["sku"] = product.sku
        body["properties"] = properties
        return Item(Kind.CLICK, at, self.key, body["messageId"], body)

    def identify(self, at: datetime, customer_id: str) -> Item:
        """The call that says whose device it is; its clicks carry the customer from then on."""
        self.customer_id = customer_id
        body = self._base(at) | {"type": "identify", "traits": {"simulated": True}}
        return Item(Kind.IDENTIFY, at, self.key, body["messageId"], body)

    def _base(self, at: datetime) -> Body:
        self.sent += 1
        body: Body = {
            "messageId": f"{self.name}-{self.sent}",
            "anonymousId": self.anonymous_id,
            "timestamp": rfc3339(at),
        }
        if self.customer_id is not None:
            body["userId"] = self.customer_id
        return body


def draw_taste(rng: Random) -> Taste:
    """A few liked categories each: Dirichlet weights of concentration 0.4."""
    return {category: rng.gammavariate(0.4, 1.0) + 1e-6 for category in BY_CATEGORY}


def draw_product(rng: Random, taste: Taste, below: float = float("inf")) -> Product:
    """A product by taste and popularity, of a price up to `below` cents where the category has one."""
    category = rng.choices(list(taste), weights=list(taste.values()))[0]
    goods = BY_CATEGORY[category]
    affordable = [product for product in goods if product.price <= below]
    goods = tuple(affordable) or (min(goods, key=lambda product: product.price),)
    weights = [(rank + 1) ** -POPULARITY_EXPONENT for rank in range(len(goods))]
    return rng.choices(goods, weights=weights)[0]


def idle_session(rng: Random, taste: Taste) -> list[Step]:
    """A visit that ends without an order, some with an abandoned cart."""
    steps: list[Step] = [("", None)]
    seen = _looked_at(rng, taste, rng.randint(1, 3))
    steps += [("Product Viewed", product) for product in seen]
    if rng.random() < ABANDONED_CART_SHARE:
        steps.append(("Product Added", seen[-1]))
        if rng.random() < 0.3:
            steps.append(("Checkout Started", None))
    return steps


def buying_session(rng: Random, taste: Taste, basket: Sequence[Product]) -> list[Step]:
    """The visit that ends with an order of `basket`: more is looked at than bought."""
    steps: list[Step] = [("", None)]
    if rng.random() < SEARCH_SHARE:
        steps.append(("Products Searched", None))
    steps += [("Product Viewed", product) for product in _looked_at(rng, taste, rng.randint(0, 1))]
    for product in basket:
        if rng.random() < VIEWED_BEFORE_ADDED_SHARE:
            steps.append(("Product Viewed", product))
        steps.append(("Product Added", product))
    steps.append(("Checkout Started", None))
    return steps


def _looked_at(rng: Random, taste: Taste, count: int) -> list[Product]:
    seen: list[Product] = []
    while len(seen) < count:
        product = draw_product(rng, taste)
        seen.append(product)
        if product.goes_with is not None and rng.random() < LOOK_AT_COMPLEMENT_SHARE:
            seen.append(BY_SLUG[product.goes_with])
    return seen[:count]


def play(
    rng: Random, browser: Browser, steps: Sequence[Step], start: datetime, end: datetime
) -> list[Item]:
    """The session's items, at growing times from `start` to just before `end`."""
    share = sorted(rng.random() for _ in steps)
    times = [start + (end - start) * position for position in share]
    for earlier, later in pairwise(range(len(times))):
        times[later] = max(times[later], times[earlier] + timedelta(milliseconds=1))
    return [
        browser.item(min(at, end), event, product)
        for at, (event, product) in zip(times, steps, strict=True)
    ]
