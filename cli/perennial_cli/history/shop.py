"""The value types of a shop's history: items with the JSON bodies of the public API, and totals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

Body = dict[str, Any]
"""A JSON object as the public API takes it."""


class Kind(StrEnum):
    """What an item is; the order is the one in which items of the same moment happened."""

    PRODUCT = "product"
    CLICK = "click"
    CUSTOMER = "customer"
    IDENTIFY = "identify"
    ORDER = "order"
    COMPLAINT = "complaint"
    REVIEW = "review"


_RANK = {kind: rank for rank, kind in enumerate(Kind)}


@dataclass(frozen=True, slots=True)
class Item:
    """One fact of the history.

    `key` is whose it is (the customer, the anonymous visitor, or a product's sku): items of one key
    are replayed in their order. `id` is the item's own id; a reply and a resolution carry that of
    their complaint.
    """

    kind: Kind
    at: datetime
    key: str
    id: str
    body: Body


@dataclass(frozen=True, slots=True)
class Totals:
    """What a shop's orders come to; money in minor units.

    `orders` were paid and not cancelled, `cancelled` were cancelled (paid or not), `customers` have
    an order of either sort. `gross` is of `orders`, `refunded` of the `returns` that were paid back.
    """

    orders: int
    cancelled: int
    customers: int
    returns: int
    gross: int
    refunded: int

    @property
    def net(self) -> int:
        return self.gross - self.refunded


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Input lines that had the same fate. `amount` is the exact sum as text, in major units."""

    imported: bool
    what: str
    lines: int
    amount: str


@dataclass(frozen=True, slots=True)
class History:
    """A shop's history in order of time; `accounts` says what became of every line of a file."""

    name: str
    currency: str
    items: tuple[Item, ...]
    simulated: bool = False
    accounts: tuple[AccountRow, ...] = ()

    def of_kind(self, *kinds: Kind) -> list[Item]:
        return [item for item in self.items if item.kind in kinds]


def in_order(items: Iterable[Item]) -> tuple[Item, ...]:
    """The items by time; at the same moment a customer registers before ordering, and so on."""
    return tuple(sorted(items, key=lambda item: (item.at, _RANK[item.kind])))


def money(amount: int, currency: str) -> Body:
    """Money as the API takes it: minor units and an ISO 4217 code."""
    return {"amount": amount, "currency": currency}


def rfc3339(at: datetime) -> str:
    """An instant in UTC with milliseconds and `Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def totals_of(orders: Sequence[Item]) -> Totals:
    """The totals of order items, computed from their bodies."""
    counted = cancelled = returns = gross = refunded = 0
    for body in (item.body for item in orders):
        if body["status"] == "cancelled":
            cancelled += 1
        elif "paid_at" in body:
            counted += 1
            gross += sum(line["quantity"] * line["unit_price"]["amount"] for line in body["lines"])
            gross += body.get("shipping", {}).get("amount", 0)
            returns += sum("refunded_at" in back for back in body.get("returns", ()))
            refunded += _refunded(body)
    customers = len({item.body["customer_id"] for item in orders})
    return Totals(counted, cancelled, customers, returns, gross, refunded)


def _refunded(order: Body) -> int:
    prices = {line["sku"]: line["unit_price"]["amount"] for line in order["lines"]}
    return sum(
        line["quantity"] * prices[line["sku"]]
        for back in order.get("returns", ())
        if "refunded_at" in back
        for line in back["lines"]
    )
