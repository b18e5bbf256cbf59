"""The Online Retail data set (UCI, CC BY 4.0) as a shop's history.

The file holds the invoice lines of a UK gift wholesaler. What its lines become:

- **Order**: an invoice of a known customer. Lines of the same stock code and price are merged. It is
  paid at the time of the invoice (`placed_at = paid_at =` its earliest line; shop time is
  Europe/London) and completed.
- **Reversal**: a line of a cancellation invoice (`C…`) takes back goods of one earlier order; which
  one, `reversals` decides. A cancellation invoice that takes back a whole order within a day of it
  **cancels** the order (the goods can hardly have left the house). Every other one is a **return**
  of that order, refunded at the time of the cancellation invoice; one cancellation invoice that
  takes goods from several orders is a return of each.
- **Left out**, counted with its reason: lines without a customer (nobody's orders), without a
  positive price or with a price that is no whole number of pence, negative quantities outside a
  cancellation invoice, and cancellation lines whose order is not in the file (bought before it
  begins, a discount, a price agreed afterwards).

Every line is either imported or left out, and both the lines and their money (quantity times price,
exact) add up to the file's: `History.accounts`.

Stock codes are written in capitals (the file has both `85123A` and `85123a`). Codes that are no
goods (postage, manual entries, bank charges) become products of the category `service` that are
not available, so that they are never recommended. The file has no categories, and without any the
customers' tastes would have nothing to show; names are short lists of nouns (`… T-LIGHT HOLDER`), so
`gift_categories` sorts by a word in the name, and says `uncategorised` where it knows none.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from perennial_cli.history.accounts import Ledger
from perennial_cli.history.gift_categories import SERVICE, category_of
from perennial_cli.history.online_retail_file import Line, Order, read
from perennial_cli.history.reversals import Reversals, match
from perennial_cli.history.shop import Body, History, Item, Kind, in_order, money, rfc3339

CURRENCY = "GBP"
REASON_OF_RETURN = "cancellation_invoice"

COUNTRIES = {
    "Australia": "AU", "Austria": "AT", "Bahrain": "BH", "Belgium": "BE", "Brazil": "BR", "Canada": "CA",
    "Cyprus": "CY", "Czech Republic": "CZ", "Denmark": "DK", "EIRE": "IE", "Finland": "FI", "France": "FR",
    "Germany": "DE", "Greece": "GR", "Hong Kong": "HK", "Iceland": "IS", "Israel": "IL", "Italy": "IT",
    "Japan": "JP", "Lebanon": "LB", "Lithuania": "LT", "Malta": "MT", "Netherlands": "NL", "Norway": "NO",
    "Poland": "PL", "Portugal": "PT", "RSA": "ZA", "Saudi Arabia": "SA", "Singapore": "SG", "Spain": "ES",
    "Sweden": "SE", "Switzerland": "CH", "USA": "US", "United Arab Emirates": "AE", "United Kingdom": "GB",
}  # fmt: skip
"""ISO 3166-1. `Channel Islands`, `European Community` and `Unspecified` are no country there."""


@dataclass(slots=True)
class _Product:
    name: str
    pence: int


def load(path: Path) -> History:
    """The history in the file. Raises `HistoryError` for a file that is not of this form."""
    orders: dict[str, Order] = {}
    products: dict[str, _Product] = {}
    cancellations: list[Line] = []
    ledger = Ledger()
    for line in read(path):
        reason = _why_left_out(line, orders)
        if reason is not None:
            ledger.leave_out(reason, line.amount)
        elif line.is_cancellation:
            cancellations.append(line)
        else:
            _sell(line, orders, products)
            ledger.take("sales, into orders", line.amount)
    reversals = match(orders, cancellations)
    for line in reversals.matched:
        ledger.take("cancellations, into the orders that they reverse", line.amount)
    for line, why in reversals.unmatched:
        ledger.leave_out(why, line.amount)
    items = in_order(_items(orders, products, reversals))
    return History(f"Online Retail ({path.name})", CURRENCY, items, accounts=ledger.rows())


def _sell(line: Line, orders: dict[str, Order], products: dict[str, _Product]) -> None:
    order = orders.get(line.invoice)
    if order is None:
        order = orders[line.invoice] = Order(line.invoice, line.customer, line.country, line.at)
    order.add(line)
    product = products.setdefault(line.sku, _Product(line.description, line.pence))
    product.pence = line.pence
    product.name = product.name or line.description


def _why_left_out(line: Line, orders: dict[str, Order]) -> str | None:
    """The reason why this line cannot be part of any customer's order, if there is one."""
    known = orders.get(line.invoice)
    faults = (
        (not line.customer, f"no customer: {_kind(line)}"),
        (not line.sku, "no stock code"),
        (line.price <= 0, "no positive price"),
        (line.price * 100 % 1 != 0, "price is no whole number of pence"),
        (line.is_cancellation != (line.quantity < 0), "quantity of the wrong sign"),
        (line.quantity == 0, "no quantity"),
        (known is not None and known.customer != line.customer, "invoice of another customer"),
    )
    return next((reason for is_so, reason in faults if is_so), None)


def _kind(line: Line) -> str:
    if line.is_cancellation:
        return "cancellation"
    return "sale" if line.amount > 0 else "adjustment"


def _items(
    orders: dict[str, Order], products: dict[str, _Product], reversals: Reversals
) -> Iterator[Item]:
    opened = min((order.at for order in orders.values()), default=datetime.now(UTC))
    for sku, product in products.items():
        yield Item(Kind.PRODUCT, opened, sku, sku, _product_body(sku, product))
    known: set[str] = set()
    for order in sorted(orders.values(), key=lambda order: order.at):
        if order.customer not in known:
            known.add(order.customer)
            yield Item(
                Kind.CUSTOMER, order.at, order.customer, order.customer, _customer_body(order)
            )
        body = _order_body(order, reversals)
        yield Item(Kind.ORDER, order.at, order.customer, order.invoice, body)


def _product_body(sku: str, product: _Product) -> Body:
    category = category_of(sku, product.name)
    return {
        "sku": sku,
        "name": product.name or sku,
        "category": category,
        "price": money(product.pence, CURRENCY),
        "available": category != SERVICE,
    }


def _customer_body(order: Order) -> Body:
    body: Body = {"customer_id": order.customer, "kind": "person"}
    if order.country in COUNTRIES:
        body["country"] = COUNTRIES[order.country]
    return body


def _order_body(order: Order, reversals: Reversals) -> Body:
    body: Body = {
        "order_id": order.invoice,
        "customer_id": order.customer,
        "lines": [
            {"sku": sku, "quantity": quantity, "unit_price": money(pence, CURRENCY)}
            for (sku, pence), quantity in order.lines.items()
        ],
        "placed_at": rfc3339(order.at),
        "status": "completed",
        "paid_at": rfc3339(order.at),
    }
    cancelled_at = reversals.cancelled.get(order.invoice)
    if cancelled_at is not None:
        return body | {"status": "cancelled", "cancelled_at": rfc3339(cancelled_at)}
    returns = reversals.returns.get(order.invoice)
    if returns:
        body["returns"] = [
            {
                "kind": "refund",
                "reason": REASON_OF_RETURN,
                "lines": [{"sku": sku, "quantity": n} for sku, n in back.quantities.items()],
                "requested_at": rfc3339(back.at),
                "refunded_at": rfc3339(back.at),
            }
            for back in returns.values()
        ]
    return body
