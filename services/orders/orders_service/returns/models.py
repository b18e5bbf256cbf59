"""A return: goods that come back, and what is done about it."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from orders_service.orders.models import Order
from orders_service.quantities import Quantities, more, quantities_of
from orders_service.returns import rules
from perennial_events import Event
from perennial_events.catalogue import OrderRefunded, ReturnLine, ReturnReceived, ReturnRequested

Kind = Literal["refund", "exchange", "repair"]


class Return(Base):
    """Goods of one order on their way back. A transition checks, changes, and returns its events."""

    __tablename__ = "returns"

    return_id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.order_id"))
    customer_id: Mapped[str]
    kind: Mapped[Kind]
    reason: Mapped[str]
    lines: Mapped[list[dict[str, Any]]]
    status: Mapped[rules.Status]
    amount: Mapped[int] = mapped_column(default=0)
    """What was refunded as money, in minor units of the order's currency."""
    to_gift_cards: Mapped[int] = mapped_column(default=0)
    """What went back to the gift cards that the order was paid with."""
    base_amount: Mapped[int | None]
    """What both take off the order's worth, in the base currency."""
    requested_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    received_at: Mapped[datetime | None]
    refunded_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    @property
    def _lines(self) -> list[ReturnLine]:
        return [ReturnLine.model_validate(line) for line in self.lines]

    def request(self) -> list[Event]:
        return [
            ReturnRequested(
                return_id=self.return_id,
                order_id=self.order_id,
                customer_id=self.customer_id,
                kind=self.kind,
                lines=self._lines,
            )
        ]

    def approve(self, at: datetime) -> None:
        self.status = self._next("approve")
        self.decided_at = at

    def reject(self, at: datetime) -> None:
        self.status = self._next("reject")
        self.decided_at = at

    def receive(self, at: datetime) -> list[Event]:
        self.status = self._next("receive")
        self.received_at = at
        return [
            ReturnReceived(
                return_id=self.return_id,
                order_id=self.order_id,
                customer_id=self.customer_id,
                kind=self.kind,
                lines=self._lines,
            )
        ]

    def refund(self, order: Order, refunded_before: Quantities, at: datetime) -> list[Event]:
        """Pay back the goods' share of what was paid for the order, the way it was paid.

        Goods that stand on several lines, at several prices, come back in the order of the lines; so
        it matters which were refunded before. Refunds never exceed what was paid.
        """
        self.status = self._next("refund")
        self.refunded_at = at
        quantities = quantities_of(self.lines)
        before = order.value_at_list_price(refunded_before)
        after = order.value_at_list_price(more(refunded_before, quantities))
        due = rules.refund(order.items, order.discount, before, after - before)
        self.amount, self.to_gift_cards = rules.by_means(
            order.total, order.gift_cards, order.returned, due
        )
        order.refunded += self.amount
        order.gift_cards_refunded += self.to_gift_cards
        if order.base_total is not None:
            base_refunded = rules.share(order.base_total, order.returned, order.total)
            self.base_amount = base_refunded - order.base_refunded
            order.base_refunded = base_refunded
        return [
            OrderRefunded(
                return_id=self.return_id,
                order_id=self.order_id,
                customer_id=self.customer_id,
                currency=order.currency,
                amount=self.amount,
                gift_cards=self.to_gift_cards,
                base_amount=self.base_amount,
                base_cost=order.cost_of(quantities),
                lines=self._lines,
            )
        ]

    def _next(self, action: rules.Action) -> rules.Status:
        return rules.next_status(self.return_id, self.kind, self.status, action)
