"""A shop's last week as 200,000 waiting events: seeded, mixed, in the order in which they happened.

75 % clicks in sessions (a third of them anonymous), 20 % of orders from placed to delivered, 4 % of
complaints, 1 % visitors identified and products changed; 20,000 customers.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from bench.load.traffic import CATEGORIES, CUSTOMERS, SKUS, customer, sku
from perennial_events import Envelope, Event, seal
from perennial_events.catalogue import (
    Clicked,
    ComplaintOpened,
    ComplaintResolved,
    OrderDelivered,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    OrderShipped,
    ProductChanged,
    ShipmentScanned,
    VisitorIdentified,
)

WEEK = timedelta(days=7)
_SOURCES = {
    "perennial.clicks": "/perennial/engagement",
    "perennial.engagement": "/perennial/engagement",
    "perennial.complaints": "/perennial/support",
    "perennial.orders": "/perennial/orders",
    "perennial.catalogue": "/perennial/orders",
}
_CLICKS_A_SESSION = (2, 8)
_ORDER_EVENTS = 5
_COMPLAINT_EVENTS = 2


class Fact(NamedTuple):
    at: datetime
    event: Event


def waiting_events(count: int, seed: int = 1) -> list[Envelope]:
    """About `count` events of the week before now."""
    week = _Week(random.Random(seed))
    facts = [*week.clicks(count * 75 // 100)]
    facts += week.orders(count * 20 // 100 // _ORDER_EVENTS)
    facts += week.complaints(count * 4 // 100 // _COMPLAINT_EVENTS)
    facts += week.identified(count * 3 // 400)
    facts += week.products(count // 400)
    facts.sort(key=lambda fact: fact.at)
    ids = random.Random(seed + 1)
    return [
        seal(
            event,
            source=_SOURCES[event.topic],
            time=at,
            id=UUID(int=ids.getrandbits(128), version=4),
        )
        for at, event in facts
    ]


class _Week:
    """Draws what happened. Times are the week's, steps of one story follow each other."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._begin = datetime.now(UTC).replace(microsecond=0) - WEEK

    def clicks(self, count: int) -> Iterator[Fact]:
        while count > 0:
            at, number = self._moment(), self._chance.randrange(CUSTOMERS)
            known = self._chance.random() > 1 / 3
            size = min(count, self._chance.randint(*_CLICKS_A_SESSION))
            for place in range(size):
                article = self._chance.randrange(SKUS)
                click = Clicked(
                    name="product_added" if self._chance.random() < 0.1 else "product_viewed",
                    anonymous_id=_visitor(number),
                    customer_id=customer(number) if known else None,
                    session_id=f"s-{number}-{int(at.timestamp())}",
                    sku=sku(article),
                    properties={"category": CATEGORIES[article % len(CATEGORIES)], "price": 19.99},
                )
                yield Fact(at + timedelta(seconds=20 * place), click)
            count -= size

    def orders(self, count: int) -> Iterator[Fact]:
        for number in range(count):
            at, buyer = self._moment(), customer(self._chance.randrange(CUSTOMERS))
            id, shipment = f"o-{number}", f"sh-{number}"
            placed = self._placed(id, buyer)
            total = placed.total
            paid = OrderPaid(
                order_id=id, customer_id=buyer, currency="EUR", amount=total, base_amount=total
            )
            promised = at + timedelta(days=2)
            shipped = OrderShipped(
                order_id=id, customer_id=buyer, shipment_id=shipment, promised_at=promised
            )
            scanned = ShipmentScanned(
                shipment_id=shipment, order_id=id, customer_id=buyer, status="delivered"
            )
            late = self._chance.random() < 0.05
            delivered = OrderDelivered(
                order_id=id, customer_id=buyer, shipment_id=shipment, late=late
            )
            events = (placed, paid, shipped, scanned, delivered)
            minutes = (0, 2, 600, 1_400, 1_401)
            for event, minute in zip(events, minutes, strict=True):
                yield Fact(at + timedelta(minutes=minute), event)

    def _placed(self, order_id: str, buyer: str) -> OrderPlaced:
        lines = []
        for article in self._chance.sample(range(SKUS), 3):
            price = article % 190 * 100 + 99
            category = CATEGORIES[article % len(CATEGORIES)]
            lines.append(
                OrderLine(sku=sku(article), quantity=1, unit_price=price, category=category)
            )
        items = sum(line.unit_price for line in lines)
        return OrderPlaced(
            order_id=order_id,
            customer_id=buyer,
            currency="EUR",
            lines=lines,
            items=items,
            discount=0,
            shipping=490,
            total=items + 490,
            base_total=items + 490,
        )

    def complaints(self, count: int) -> Iterator[Fact]:
        for number in range(count):
            at, by = self._moment(), customer(self._chance.randrange(CUSTOMERS))
            id, case = f"co-{number}", f"ca-{number}"
            yield Fact(
                at,
                ComplaintOpened(
                    complaint_id=id,
                    case_id=case,
                    customer_id=by,
                    category="delivery",
                    severity="minor",
                    channel="email",
                ),
            )
            resolved = ComplaintResolved(case_id=case, customer_id=by, category="delivery")
            yield Fact(at + timedelta(hours=5), resolved)

    def identified(self, count: int) -> Iterator[Fact]:
        for number in self._chance.sample(range(CUSTOMERS), min(count, CUSTOMERS)):
            event = VisitorIdentified(customer_id=customer(number), anonymous_id=_visitor(number))
            yield Fact(self._moment(), event)

    def products(self, count: int) -> Iterator[Fact]:
        for _ in range(count):
            number = self._chance.randrange(SKUS)
            category = CATEGORIES[number % len(CATEGORIES)]
            changed = ProductChanged(
                sku=sku(number), name=f"Article {number}", category=category, currency="EUR"
            )
            yield Fact(self._moment(), changed)

    def _moment(self) -> datetime:
        """Some time in the week; what follows from it may be later, and lies in the past as well."""
        return self._begin + timedelta(
            seconds=self._chance.randrange(int(WEEK.total_seconds() * 0.8))
        )


def _visitor(number: int) -> str:
    return f"v-{number:05d}"
