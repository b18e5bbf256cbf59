"""The gift card, and its ledger."""

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from orders_service.db import Base
from orders_service.errors import GiftCardExpired, GiftCardTooSmall, OtherCurrency
from perennial_events import Event
from perennial_events.catalogue import GiftCardIssued, GiftCardRedeemed, GiftCardRefunded

EntryKind = Literal["issued", "redeemed", "refunded"]

REFUND_GOOD_FOR = timedelta(days=90)
"""Money that went back to a card can be spent for so long, whenever the card would have expired."""


class GiftCard(Base):
    """Money paid ahead. Its row is locked before its balance changes."""

    __tablename__ = "gift_cards"

    gift_card_id: Mapped[str] = mapped_column(primary_key=True)
    code_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    code_end: Mapped[str]
    """The last four characters, by which people tell their cards apart."""
    customer_id: Mapped[str | None]
    currency: Mapped[str]
    amount: Mapped[int]
    balance: Mapped[int]
    issued_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's own form

    def expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now

    def issue(self) -> list[Event]:
        return [
            GiftCardIssued(
                gift_card_id=self.gift_card_id,
                customer_id=self.customer_id,
                currency=self.currency,
                amount=self.amount,
                expires_at=self.expires_at,
            )
        ]

    def redeem(
        self, order_id: str, customer_id: str, currency: str, amount: int, at: datetime
    ) -> list[Event]:
        """Take `amount` for an order. Raises `OtherCurrency`, `GiftCardExpired`, `GiftCardTooSmall`."""
        if currency != self.currency:
            raise OtherCurrency(self.code_end, self.currency, currency)
        if self.expired(at):
            raise GiftCardExpired(self.code_end)
        if amount > self.balance:
            raise GiftCardTooSmall(self.code_end, self.balance, self.currency)
        self.balance -= amount
        return [
            GiftCardRedeemed(
                gift_card_id=self.gift_card_id,
                order_id=order_id,
                customer_id=customer_id,
                currency=self.currency,
                amount=amount,
            )
        ]

    def refund(self, order_id: str, customer_id: str, amount: int, at: datetime) -> list[Event]:
        """Give `amount` of what an order took back."""
        self.balance += amount
        if self.expires_at is not None:
            self.expires_at = max(self.expires_at, at + REFUND_GOOD_FOR)
        return [
            GiftCardRefunded(
                gift_card_id=self.gift_card_id,
                order_id=order_id,
                customer_id=customer_id,
                currency=self.currency,
                amount=amount,
            )
        ]


class GiftCardEntry(Base):
    """A line of a card's ledger: `amount` is negative where it was spent, `balance` what was left."""

    __tablename__ = "gift_card_entries"

    entry_id: Mapped[int] = mapped_column(primary_key=True)
    gift_card_id: Mapped[str] = mapped_column(ForeignKey("gift_cards.gift_card_id"))
    at: Mapped[datetime]
    kind: Mapped[EntryKind]
    amount: Mapped[int]
    balance: Mapped[int]
    order_id: Mapped[str | None] = mapped_column(ForeignKey("orders.order_id"))
    return_id: Mapped[str | None]
