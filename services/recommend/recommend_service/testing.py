"""Support for tests: events in a few words."""

from typing import Any

from perennial_events.catalogue import (
    AnonymousIdAdded,
    AnonymousIdRemoved,
    Clicked,
    ComplaintOpened,
    CustomerErased,
    CustomersMerged,
    MergeUndone,
    OrderCancelled,
    OrderLine,
    OrderPlaced,
    OrderRefunded,
    ProductChanged,
    ReturnLine,
    ReturnReceived,
    VisitorIdentified,
)


def product(sku: str, *, available: bool = True, **told: Any) -> ProductChanged:
    return ProductChanged(**{"sku": sku, "name": sku, "available": available, **told})


def order(order_id: str, customer_id: str, *skus: str) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id,
        customer_id=customer_id,
        currency="EUR",
        lines=[OrderLine(sku=sku, quantity=1, unit_price=100) for sku in skus],
        items=100 * len(skus),
        discount=0,
        shipping=0,
        total=100 * len(skus),
    )


def cancelled(order_id: str, customer_id: str) -> OrderCancelled:
    return OrderCancelled(order_id=order_id, customer_id=customer_id, currency="EUR", refunded=0)


def came_back(order_id: str, customer_id: str, *skus: str) -> ReturnReceived:
    return ReturnReceived(
        return_id=f"r-{order_id}",
        order_id=order_id,
        customer_id=customer_id,
        kind="refund",
        lines=[ReturnLine(sku=sku, quantity=1) for sku in skus],
    )


def refunded(order_id: str, customer_id: str, *skus: str) -> OrderRefunded:
    return OrderRefunded(
        return_id=f"r-{order_id}",
        order_id=order_id,
        customer_id=customer_id,
        currency="EUR",
        amount=100,
        lines=[ReturnLine(sku=sku, quantity=1) for sku in skus],
    )


def viewed(who: str, sku: str | None, name: str = "product_viewed") -> Clicked:
    """A click of customer `c…`, or of anonymous visitor `a…`."""
    if who.startswith("a"):
        return Clicked(name=name, anonymous_id=who, sku=sku)
    return Clicked(name=name, customer_id=who, sku=sku)


def identified(anonymous_id: str, customer_id: str) -> VisitorIdentified:
    return VisitorIdentified(anonymous_id=anonymous_id, customer_id=customer_id)


def stitched(anonymous_id: str, customer_id: str) -> AnonymousIdAdded:
    return AnonymousIdAdded(anonymous_id=anonymous_id, customer_id=customer_id)


def unstitched(anonymous_id: str, customer_id: str) -> AnonymousIdRemoved:
    return AnonymousIdRemoved(anonymous_id=anonymous_id, customer_id=customer_id)


def erased(*identities: str) -> CustomerErased:
    """The first is the survivor, the others were merged into them."""
    return CustomerErased(
        customer_id=identities[0], erasure_id=f"e-{identities[0]}", identities=list(identities)
    )


def merged(customer_id: str, into_id: str) -> CustomersMerged:
    return CustomersMerged(merge_id=f"m-{customer_id}", customer_id=customer_id, into_id=into_id)


def undone(customer_id: str, into_id: str) -> MergeUndone:
    return MergeUndone(merge_id=f"m-{customer_id}", customer_id=customer_id, into_id=into_id)


def complained(customer_id: str, sku: str) -> ComplaintOpened:
    return ComplaintOpened(
        complaint_id=f"p-{customer_id}-{sku}",
        case_id="case",
        customer_id=customer_id,
        sku=sku,
        category="quality",
        severity="minor",
        channel="web",
    )
