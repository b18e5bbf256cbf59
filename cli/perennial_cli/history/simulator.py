"""A seeded shop: the same seed, size and end always give the same history, item for item.

Who buys when and for how much follows `behaviour`; what is looked at and bought follows a taste by
category and true complements (`catalogue`, `browsing`); what then happens to an order, and that a
complaint left unresolved costs the customer, follows `fulfilment`. Every item says that it is
simulated: ids begin with `sim-`, and attributes, properties, channels and texts say so as well.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

from perennial_cli.history.behaviour import (
    PLANT_SHOP,
    BuyingModel,
    Rhythm,
    draw_order_value,
    draw_rhythm,
    generator,
)
from perennial_cli.history.behaviour import repeat_gaps as draw_repeat_gaps
from perennial_cli.history.browsing import (
    Browser,
    Taste,
    buying_session,
    draw_product,
    draw_taste,
    idle_session,
    play,
)
from perennial_cli.history.catalogue import BY_SLUG, PRODUCTS, Product, product_body
from perennial_cli.history.fulfilment import fulfil
from perennial_cli.history.people import draw_person
from perennial_cli.history.shop import Body, History, Item, Kind, in_order, money, rfc3339

DEFAULT_SEED = 7
DEFAULT_CUSTOMERS = 1000
DEFAULT_WEEKS = 52
PROSPECT_SHARE = 0.12
"""Of registered customers, how many have not ordered yet."""

VISITORS_A_CUSTOMER = 0.25
"""Visitors who never say who they are, for each registered customer."""

ADDS_COMPLEMENT_SHARE = 0.45
NEW_DEVICE_SHARE = 0.12
"""Of later orders, how many begin on a device that nobody knows yet."""

MOST_LINES = 7

FIRST_HOUR = timedelta(hours=1)
"""Nobody orders in it, so that the visit which leads to an order lies within the history."""


@dataclass(slots=True)
class _Shopper:
    """One registered customer while their history is being told."""

    rng: Random
    customer_id: str
    taste: Taste
    rhythm: Rhythm
    model: BuyingModel
    currency: str
    as_of: datetime
    browser: Browser
    devices: int = 1
    orders: int = 0
    registered_at: datetime | None = None
    items: list[Item] = field(default_factory=list)

    def device(self) -> Browser:
        """A device that has not been seen before."""
        self.devices += 1
        name = f"{self.customer_id}-d{self.devices}"
        return Browser(name, anonymous_id=f"{name}-anonymous", key=self.customer_id)


def simulate(
    *,
    seed: int = DEFAULT_SEED,
    customers: int = DEFAULT_CUSTOMERS,
    as_of: datetime,
    weeks: int = DEFAULT_WEEKS,
    currency: str = "EUR",
    model: BuyingModel = PLANT_SHOP,
) -> History:
    """The history of a shop from `weeks` before `as_of` until then.

    Customers join (order for the first time) evenly over the weeks. Money is in `currency`, whose
    minor unit must be a hundredth.
    """
    as_of = as_of.astimezone(UTC).replace(microsecond=0)
    opened = as_of - timedelta(weeks=weeks)
    items = [
        Item(Kind.PRODUCT, opened, product.sku, product.sku, product_body(product, currency))
        for product in PRODUCTS
    ]
    for number in range(1, customers + 1):
        shopper, first = _draw_shopper(seed, number, opened, as_of, model, currency)
        items += _life(shopper, first, opened)
    for number in range(1, round(customers * VISITORS_A_CUSTOMER) + 1):
        items += _passing_visitor(generator(seed, "visitor", number), seed, number, opened, as_of)
    name = f"simulated plant shop (seed {seed}, {customers:,} customers)"
    kept = in_order(item for item in items if opened <= item.at <= as_of)
    return History(name, currency, kept, simulated=True)


def customer_name(seed: int, number: int) -> str:
    """The id of the simulated customer of that number, from 1."""
    return f"sim-{seed}-c{number:05}"


def _draw_shopper(
    seed: int, number: int, opened: datetime, as_of: datetime, model: BuyingModel, currency: str
) -> tuple[_Shopper, datetime]:
    """A customer's traits, and when they order (or, a prospect, register) for the first time."""
    rng = generator(seed, "customer", number)
    name = customer_name(seed, number)
    first = opened + FIRST_HOUR + (as_of - opened - FIRST_HOUR) * rng.random()
    browser = Browser(f"{name}-d1", f"{name}-d1-anonymous", key=name)
    taste, rhythm = draw_taste(rng), draw_rhythm(rng, model)
    return _Shopper(rng, name, taste, rhythm, model, currency, as_of, browser), first


def _life(shopper: _Shopper, first: datetime, opened: datetime) -> list[Item]:
    """Everything one customer does, from the anonymous first visits on."""
    rng = shopper.rng
    person = draw_person(rng, shopper.customer_id, shopper.currency)
    shopper.browser.campaign = person.campaign
    _early_visits(shopper, first, opened)
    if rng.random() < PROSPECT_SHARE:
        _register(shopper, person.body, first)
        return shopper.items
    if _order(shopper, first, person.body):
        return shopper.items
    at = first
    for gap in draw_repeat_gaps(rng, shopper.rhythm):
        # A rate near nought would carry the next order past the year 9999.
        if gap > (shopper.as_of - at) / timedelta(weeks=1):
            break
        next_at = at + timedelta(weeks=gap)
        _visit_between(shopper, at, next_at)
        at = next_at
        if _order(shopper, at, person.body):
            break
    return shopper.items


def _early_visits(shopper: _Shopper, first: datetime, opened: datetime) -> None:
    rng = shopper.rng
    for days in sorted((rng.uniform(0.5, 12) for _ in range(rng.randint(0, 2))), reverse=True):
        start = first - timedelta(days=days)
        if start >= opened:
            steps = idle_session(rng, shopper.taste)
            end = start + timedelta(minutes=12)
            shopper.items += play(rng, shopper.browser, steps, start, end)


def _visit_between(shopper: _Shopper, last: datetime, following: datetime) -> None:
    """A visit without an order, while the customer is known, in a gap that is long enough."""
    rng = shopper.rng
    if following - last > timedelta(days=2) and rng.random() < 0.5:
        start = last + (following - last) * rng.uniform(0.2, 0.8)
        steps = idle_session(rng, shopper.taste)
        end = start + timedelta(minutes=12)
        shopper.items += play(rng, shopper.browser, steps, start, end)


def _register(shopper: _Shopper, person: Body, at: datetime) -> None:
    """The customer says who they are: the anonymous past becomes theirs."""
    body = person | {"attributes": {"simulated": True, "as_of": rfc3339(shopper.as_of)}}
    shopper.registered_at = at
    customer_id = shopper.customer_id
    shopper.items.append(Item(Kind.CUSTOMER, at, customer_id, customer_id, body))
    shopper.items.append(shopper.browser.identify(at, customer_id))


def _order(shopper: _Shopper, placed: datetime, person: Body) -> bool:
    """The visit that ends in an order, the order, and what came of it; true if it lost the customer."""
    rng = shopper.rng
    basket = _draw_basket(shopper)
    if shopper.registered_at is not None and rng.random() < NEW_DEVICE_SHARE:
        shopper.browser = shopper.device()
    start = placed - timedelta(minutes=rng.uniform(4, 30))
    if shopper.browser.customer_id is not None and shopper.registered_at is not None:
        start = max(start, shopper.registered_at)
    identified = placed - timedelta(seconds=20)
    steps = buying_session(rng, shopper.taste, list(basket))
    unknown = shopper.browser.customer_id is None
    shopper.items += play(rng, shopper.browser, steps, start, identified if unknown else placed)
    if shopper.registered_at is None:
        _register(shopper, person, identified)
    elif unknown:
        at = max(identified, shopper.registered_at)
        shopper.items.append(shopper.browser.identify(at, shopper.customer_id))
    return _place(shopper, basket, placed)


def _place(shopper: _Shopper, basket: dict[Product, int], placed: datetime) -> bool:
    shopper.orders += 1
    order: Body = {
        "order_id": f"{shopper.customer_id}-o{shopper.orders}",
        "customer_id": shopper.customer_id,
        "channel": "simulated",
        "lines": [
            {
                "sku": product.sku,
                "quantity": quantity,
                "unit_price": money(product.price, shopper.currency),
                "name": product.name,
                "category": product.category,
            }
            for product, quantity in basket.items()
        ],
        "placed_at": rfc3339(placed),
    }
    outcome = fulfil(shopper.rng, order, placed, shopper.as_of)
    body = order | outcome.fields
    shopper.items.append(Item(Kind.ORDER, placed, shopper.customer_id, order["order_id"], body))
    shopper.items += outcome.complaints
    return outcome.customer_lost


def _draw_basket(shopper: _Shopper) -> dict[Product, int]:
    """Goods by taste, with their complements, worth about the drawn value of the order."""
    rng = shopper.rng
    wanted = 100 * draw_order_value(rng, shopper.rhythm, shopper.model)
    basket: dict[Product, int] = {}
    total = 0
    while total < 0.85 * wanted and len(basket) < MOST_LINES:
        product = draw_product(rng, shopper.taste, below=1.3 * (wanted - total))
        chosen = [product]
        if product.goes_with is not None and rng.random() < ADDS_COMPLEMENT_SHARE:
            chosen.append(BY_SLUG[product.goes_with])
        for item in chosen:
            basket[item] = basket.get(item, 0) + 1
            total += item.price
    return basket


def _passing_visitor(
    rng: Random, seed: int, number: int, opened: datetime, as_of: datetime
) -> list[Item]:
    """A visitor who looks, perhaps fills a cart, and never says who they are."""
    name = f"sim-{seed}-v{number:05}"
    start = opened + (as_of - opened) * rng.random()
    browser = Browser(name, anonymous_id=name, key=name)
    return play(
        rng, browser, idle_session(rng, draw_taste(rng)), start, start + timedelta(minutes=9)
    )
