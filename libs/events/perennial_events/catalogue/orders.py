"""What `orders` publishes: `perennial.orders` and `perennial.catalogue`.

Amounts are minor units of `currency`. `base_*` amounts are in the shop's base currency at the rate of
the order's day, and are absent where no rate was known: such an order is counted, its money left out.
"""

from typing import Literal

from perennial_events.envelope import Event
from perennial_events.values import (
    Amount,
    CatalogueText,
    Code,
    Currency,
    Id,
    Quantity,
    Time,
    Value,
)

ORDERS = "perennial.orders"
CATALOGUE = "perennial.catalogue"

SalesStage = Literal["lead", "qualified", "proposal", "negotiation", "won", "lost"]


class ProductChanged(Event, topic=CATALOGUE, fact="product_changed", subject="sku", key="sku"):
    """A product as it is from now on."""

    sku: Id
    name: CatalogueText | None = None
    category: CatalogueText | None = None
    price: Amount | None = None
    cost: Amount | None = None
    currency: Currency | None = None
    available: bool = True
    replenish_after_days: int | None = None


class OrderLine(Value):
    sku: Id
    quantity: Quantity
    unit_price: Amount
    category: CatalogueText | None = None


class ReturnLine(Value):
    sku: Id
    quantity: Quantity


class OrderPlaced(Event, topic=ORDERS, fact="order_placed", subject="order_id"):
    """A customer ordered. `total` is what it comes to: items less discount plus shipping.

    Of that, `gift_cards` is paid with gift cards; the rest is due.
    """

    order_id: Id
    customer_id: Id
    store: Code | None = None
    channel: Code | None = None
    currency: Currency
    lines: list[OrderLine]
    items: Amount
    discount: Amount
    shipping: Amount
    total: Amount
    gift_cards: Amount = 0
    base_total: Amount | None = None
    base_cost: Amount | None = None
    """What the goods cost the shop, where every line's cost is known."""


class OrderPriced(Event, topic=ORDERS, fact="order_priced", subject="order_id"):
    """The rate of the order's day was loaded after the order came: what it is worth is known now.

    Told again where a rate nearer to that day is loaded later still; the last one counts.
    """

    order_id: Id
    customer_id: Id
    currency: Currency
    lines: list[OrderLine]
    total: Amount
    base_total: Amount
    base_cost: Amount | None = None
    refunded_more: int = 0
    """What its refunds until now come to, beyond what was told of them, in the base currency."""
    refunded_cost_more: int = 0
    """The same of what the returned goods had cost the shop."""


class OrderPaid(Event, topic=ORDERS, fact="order_paid", subject="order_id"):
    """All that was due (`amount`) is paid. `base_amount` is what the order is worth, gift cards included."""

    order_id: Id
    customer_id: Id
    currency: Currency
    amount: Amount
    base_amount: Amount | None = None


class OrderCancelled(Event, topic=ORDERS, fact="order_cancelled", subject="order_id"):
    """The order will not be fulfilled; what was paid for it (`refunded`) and `gift_cards` go back."""

    order_id: Id
    customer_id: Id
    currency: Currency
    refunded: Amount
    gift_cards: Amount = 0


class OrderCompleted(Event, topic=ORDERS, fact="order_completed", subject="order_id"):
    order_id: Id
    customer_id: Id


class OrderShipped(Event, topic=ORDERS, fact="order_shipped", subject="order_id"):
    order_id: Id
    customer_id: Id
    shipment_id: Id
    carrier: Code | None = None
    promised_at: Time


class ShipmentScanned(Event, topic=ORDERS, fact="shipment_scanned", subject="shipment_id"):
    shipment_id: Id
    order_id: Id
    customer_id: Id
    status: Literal["picked_up", "in_transit", "out_for_delivery", "delivered", "failed", "lost"]


class ShipmentDelayed(Event, topic=ORDERS, fact="shipment_delayed", subject="shipment_id"):
    """The promise has passed and the shipment is not delivered. Told once a shipment."""

    shipment_id: Id
    order_id: Id
    customer_id: Id
    promised_at: Time


class OrderDelivered(Event, topic=ORDERS, fact="order_delivered", subject="order_id"):
    """The last shipment of the order has arrived. `late`: one of them after its promise."""

    order_id: Id
    customer_id: Id
    shipment_id: Id | None = None
    promised_at: Time | None = None
    late: bool


class ReturnRequested(Event, topic=ORDERS, fact="return_requested", subject="return_id"):
    return_id: Id
    order_id: Id
    customer_id: Id
    kind: Literal["refund", "exchange", "repair"]
    lines: list[ReturnLine]


class ReturnReceived(Event, topic=ORDERS, fact="return_received", subject="return_id"):
    """The goods are back."""

    return_id: Id
    order_id: Id
    customer_id: Id
    kind: Literal["refund", "exchange", "repair"]
    lines: list[ReturnLine]


class OrderRefunded(Event, topic=ORDERS, fact="order_refunded", subject="return_id"):
    """Money went back for returned goods: `amount`, and `gift_cards` to the cards that were used.

    `base_amount` is what both take off the order's worth.
    """

    return_id: Id
    order_id: Id
    customer_id: Id
    currency: Currency
    amount: Amount
    gift_cards: Amount = 0
    base_amount: Amount | None = None
    base_cost: Amount | None = None
    """What the returned goods had cost the shop, where known."""
    lines: list[ReturnLine]


class GiftCardIssued(
    Event, topic=ORDERS, fact="gift_card_issued", subject="gift_card_id", key="owner"
):
    """A gift card was issued, to this customer where it is known for whom. Its code is in no event."""

    gift_card_id: Id
    customer_id: Id | None = None
    currency: Currency
    amount: Amount
    expires_at: Time | None = None

    @property
    def owner(self) -> str:
        return self.customer_id or self.gift_card_id


class GiftCardRedeemed(Event, topic=ORDERS, fact="gift_card_redeemed", subject="gift_card_id"):
    """`amount` of a gift card was spent on this customer's order."""

    gift_card_id: Id
    order_id: Id
    customer_id: Id
    currency: Currency
    amount: Amount


class GiftCardRefunded(Event, topic=ORDERS, fact="gift_card_refunded", subject="gift_card_id"):
    """`amount` went back to the gift card that this customer's order had been paid with."""

    gift_card_id: Id
    order_id: Id
    customer_id: Id
    currency: Currency
    amount: Amount


class WishListChanged(Event, topic=ORDERS, fact="wish_list_changed", subject="customer_id"):
    customer_id: Id
    sku: Id
    change: Literal["added", "removed"]


class QuoteCreated(Event, topic=ORDERS, fact="quote_created", subject="quote_id"):
    """A company is to be offered this. `owner` is the code of a member of staff."""

    quote_id: Id
    customer_id: Id
    opportunity_id: Id | None = None
    owner: Id
    currency: Currency
    total: Amount
    valid_until: Time


class QuoteSent(Event, topic=ORDERS, fact="quote_sent", subject="quote_id"):
    quote_id: Id
    customer_id: Id
    owner: Id
    valid_until: Time


class QuoteAccepted(Event, topic=ORDERS, fact="quote_accepted", subject="quote_id"):
    """The company took the offer, and this order came of it."""

    quote_id: Id
    customer_id: Id
    owner: Id
    order_id: Id


class QuoteDeclined(Event, topic=ORDERS, fact="quote_declined", subject="quote_id"):
    quote_id: Id
    customer_id: Id
    owner: Id


class QuoteExpired(Event, topic=ORDERS, fact="quote_expired", subject="quote_id"):
    """Nobody took the offer in time."""

    quote_id: Id
    customer_id: Id
    owner: Id


class OpportunityOpened(Event, topic=ORDERS, fact="opportunity_opened", subject="opportunity_id"):
    """A sale to a company may come true. `owner` is the code of a member of staff."""

    opportunity_id: Id
    customer_id: Id
    owner: Id
    stage: SalesStage
    currency: Currency
    value: Amount


class OpportunityMoved(Event, topic=ORDERS, fact="opportunity_moved", subject="opportunity_id"):
    """A possible sale came to another stage of the pipeline; `won` and `lost` close it."""

    opportunity_id: Id
    customer_id: Id
    owner: Id
    previous: SalesStage
    stage: SalesStage
    currency: Currency
    value: Amount
