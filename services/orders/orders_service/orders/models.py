"""The order: what was bought, and how far it has come."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Mapped, column_property, mapped_column

from orders_service.db import Base
from orders_service.orders import rules
from orders_service.rates.rules import Rate, to_base
from perennial_events import Event
from perennial_events.catalogue import (
    OrderCancelled,
    OrderCompleted,
    OrderDelivered,
    OrderLine,
    OrderPaid,
    OrderPlaced,
)
from perennial_events.identities import survivor
from perennial_events.values import MAX_AMOUNT


class Order(Base):
    """An order. Its row is locked before anything of it changes, shipments and returns included.

    A transition checks, changes, and returns the events that tell of it.
    """

    __tablename__ = "orders"

    order_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column()
    status: Mapped[rules.Status]
    store: Mapped[str | None]
    channel: Mapped[str | None]
    coupon: Mapped[str | None]
    currency: Mapped[str]
    lines: Mapped[list[dict[str, Any]]]
    """`{sku, quantity, unit_price, name?, category?, base_unit_cost?}`; read and written whole."""
    items: Mapped[int]
    discount: Mapped[int]
    shipping: Mapped[int]
    gift_cards: Mapped[int] = mapped_column(default=0)
    """How much of the total is paid with gift cards."""
    gift_cards_refunded: Mapped[int] = mapped_column(default=0)
    """How much of that went back to them."""
    paid: Mapped[int] = mapped_column(default=0)
    refunded: Mapped[int] = mapped_column(default=0)
    base_total: Mapped[int | None]
    base_refunded: Mapped[int] = mapped_column(default=0)
    base_cost: Mapped[int | None]
    rate_day: Mapped[date | None]
    """The day of the rate by which the order was priced, where that came after the order."""
    placed_at: Mapped[datetime]
    paid_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    completed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    survivor_id: Mapped[str] = column_property(survivor(customer_id), expire_on_flush=False)
    """Who answers to `customer_id` today, since merges; the events name whom the order named."""

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    @property
    def tag(self) -> str:
        """Tells what was read of the order apart: it also changes hands by merges."""
        merged = self.survivor_id != self.customer_id
        return f"{self.version}-{self.survivor_id}" if merged else str(self.version)

    @property
    def total(self) -> int:
        return self.items - self.discount + self.shipping

    @property
    def totals(self) -> rules.Totals:
        return rules.totals(
            self.items,
            self.discount,
            self.shipping,
            self.gift_cards,
            self.paid,
            self.refunded,
        )

    @property
    def returned(self) -> int:
        """What went back of the order's total, as money and to gift cards."""
        return self.refunded + self.gift_cards_refunded

    def quantities(self) -> dict[str, int]:
        """How many of each sku were ordered."""
        ordered: dict[str, int] = {}
        for line in self.lines:
            ordered[line["sku"]] = ordered.get(line["sku"], 0) + line["quantity"]
        return ordered

    def value_at_list_price(self, quantities: Mapping[str, int]) -> int:
        """What so many of each sku came to in this order, before its discount."""
        value = 0
        left = dict(quantities)
        for line in self.lines:
            taken = min(left.get(line["sku"], 0), line["quantity"])
            value += taken * line["unit_price"]
            left[line["sku"]] = left.get(line["sku"], 0) - taken
        return value

    def cost_of(self, quantities: Mapping[str, int]) -> int | None:
        """What so many of each sku had cost the shop, in the base currency; None where not known."""
        costs = {line["sku"]: line.get("base_unit_cost") for line in self.lines}
        return sum_known(
            None if (cost := costs.get(sku)) is None else cost * quantity
            for sku, quantity in quantities.items()
        )

    def place(self, rate: Rate | None) -> list[Event]:
        """Price a new order in the base currency, at the rate of its day."""
        self.base_total = to_base(self.total, self.currency, rate)
        self.base_cost = self.cost_of(self.quantities())
        return [
            OrderPlaced(
                order_id=self.order_id,
                customer_id=self.customer_id,
                store=self.store,
                channel=self.channel,
                currency=self.currency,
                lines=[OrderLine.model_validate(line) for line in self.lines],
                items=self.items,
                discount=self.discount,
                shipping=self.shipping,
                total=self.total,
                gift_cards=self.gift_cards,
                base_total=self.base_total,
                base_cost=self.base_cost,
            )
        ]

    def pay(self, at: datetime) -> list[Event]:
        self.status = rules.next_status(self.order_id, self.status, "pay")
        self.paid, self.paid_at = self.total - self.gift_cards, at
        return [
            OrderPaid(
                order_id=self.order_id,
                customer_id=self.customer_id,
                currency=self.currency,
                amount=self.paid,
                base_amount=self.base_total,
            )
        ]

    def cancel(self, at: datetime) -> list[Event]:
        self.status = rules.next_status(self.order_id, self.status, "cancel")
        self.refunded, self.gift_cards_refunded, self.cancelled_at = self.paid, self.gift_cards, at
        return [
            OrderCancelled(
                order_id=self.order_id,
                customer_id=self.customer_id,
                currency=self.currency,
                refunded=self.refunded,
                gift_cards=self.gift_cards_refunded,
            )
        ]

    def ship(self) -> None:
        self.status = rules.next_status(self.order_id, self.status, "ship")

    def lose(self) -> None:
        """Nothing is on its way any more: the order can be shipped again, or called off."""
        self.status = rules.next_status(self.order_id, self.status, "lose")

    def deliver(
        self, at: datetime, shipment_id: str | None, promised_at: datetime | None, *, late: bool
    ) -> list[Event]:
        """The last shipment has arrived."""
        self.status = rules.next_status(self.order_id, self.status, "deliver")
        self.delivered_at = at
        return [
            OrderDelivered(
                order_id=self.order_id,
                customer_id=self.customer_id,
                shipment_id=shipment_id,
                promised_at=promised_at,
                late=late,
            )
        ]

    def complete(self, at: datetime) -> list[Event]:
        self.status = rules.next_status(self.order_id, self.status, "complete")
        self.completed_at = at
        return [OrderCompleted(order_id=self.order_id, customer_id=self.customer_id)]


def sum_known(amounts: Iterable[int | None]) -> int | None:
    """The sum, or None if one of the amounts is not known, or it is more than an amount may be."""
    total = 0
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total if total <= MAX_AMOUNT else None
