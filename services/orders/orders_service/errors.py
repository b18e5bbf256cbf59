"""What `orders` refuses, and what the caller can do about it."""

from collections.abc import Iterable

from perennial_http import Conflict, Invalid, NotFound


class UnknownProduct(NotFound):
    def __init__(self, sku: str) -> None:
        super().__init__(f"There is no product {sku}.")


class UnknownOrder(NotFound):
    def __init__(self, order_id: str) -> None:
        super().__init__(f"There is no order {order_id}.")


class UnknownShipment(NotFound):
    def __init__(self, shipment_id: str) -> None:
        super().__init__(f"There is no shipment {shipment_id}.")


class UnknownReturn(NotFound):
    def __init__(self, return_id: str) -> None:
        super().__init__(f"There is no return {return_id}.")


class OrderExists(Conflict):
    title = "An order with this order_id exists already"

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"Order {order_id} was placed before. To retry safely, send an Idempotency-Key."
        )


class IllegalTransition(Conflict):
    """Names the state and what is allowed in it."""

    title = "The present state does not allow this"

    def __init__(self, what: str, action: str, state: str, allowed: Iterable[str]) -> None:
        choices = sorted(allowed)
        may = f"allowed: {', '.join(choices)}" if choices else "nothing is allowed any more"
        super().__init__(
            f"{what} is {state}, which does not allow {action}; {may}.",
            state=state,
            allowed=choices,
        )


class NothingLeft(Conflict):
    """More is asked for than there is: to ship, to return, to refund."""

    title = "There is not that much left"


class UnknownGiftCard(NotFound):
    # A code is a secret: no error repeats it.
    def __init__(self) -> None:
        super().__init__("There is no gift card of this code or id.")


class UnknownGiftCardInOrder(Invalid):
    title = "An order names a gift card that there is not"

    def __init__(self, place: int) -> None:
        detail = "there is no gift card of this code"
        pointer = f"/gift_cards/{place}/code"
        super().__init__(f"{pointer}: {detail}.", errors=[{"pointer": pointer, "detail": detail}])


class OtherCurrency(Conflict):
    title = "The gift card is in another currency"

    def __init__(self, code_end: str, currency: str, wanted: str) -> None:
        super().__init__(f"The gift card ending in {code_end} is in {currency}, not in {wanted}.")


class GiftCardExpired(Conflict):
    title = "The gift card has expired"

    def __init__(self, code_end: str) -> None:
        super().__init__(f"The gift card ending in {code_end} has expired.")


class GiftCardTooSmall(Conflict):
    title = "There is not that much left on the gift card"

    def __init__(self, code_end: str, balance: int, currency: str) -> None:
        super().__init__(
            f"On the gift card ending in {code_end} less is left than that.",
            balance={"amount": balance, "currency": currency},
        )


class UnknownQuote(NotFound):
    def __init__(self, quote_id: str) -> None:
        super().__init__(f"There is no quote {quote_id}.")


class QuoteExists(Conflict):
    title = "A quote with this quote_id exists already"

    def __init__(self, quote_id: str) -> None:
        super().__init__(f"Quote {quote_id} was made before.")


class UnknownOpportunity(NotFound):
    def __init__(self, opportunity_id: str) -> None:
        super().__init__(f"There is no opportunity {opportunity_id}.")


class OpportunityExists(Conflict):
    title = "An opportunity with this opportunity_id exists already"

    def __init__(self, opportunity_id: str) -> None:
        super().__init__(f"Opportunity {opportunity_id} was opened before.")


class UnknownTracking(NotFound):
    def __init__(self, tracking_number: str) -> None:
        super().__init__(f"There is no shipment with the tracking number {tracking_number}.")
