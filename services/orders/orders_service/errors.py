"""What `orders` refuses, and what the caller can do about it."""

from collections.abc import Iterable

from perennial_http import Conflict, NotFound


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


class UnknownTracking(NotFound):
    def __init__(self, tracking_number: str) -> None:
        super().__init__(f"There is no shipment with the tracking number {tracking_number}.")
