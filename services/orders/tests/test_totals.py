"""Totals add up, whatever the mix of discount, shipping, gift cards, returns, rate and currency."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from orders_service.gift_cards.rules import Spent, give_back
from orders_service.orders.models import Order
from orders_service.quantities import quantities_of
from orders_service.rates.rules import Rate
from orders_service.returns.models import Return
from orders_service.returns.service import refunded_goods

NOW = datetime(2026, 3, 2, tzinfo=UTC)
SKUS = ("mug", "tea", "pot")
AMOUNTS = st.one_of(st.integers(0, 100), st.integers(0, 10**7))


@st.composite
def orders(draw: st.DrawFn) -> Order:
    """An order in a currency with 0, 2 or 3 decimals, some of it paid with gift cards."""
    lines: list[dict[str, Any]] = [
        {
            "sku": draw(st.sampled_from(SKUS)),
            "quantity": draw(st.integers(1, 5)),
            "unit_price": price,
        }
        for price in draw(st.lists(AMOUNTS, min_size=1, max_size=5))
    ]
    items = sum(line["quantity"] * line["unit_price"] for line in lines)
    discount, shipping = draw(st.integers(0, items)), draw(AMOUNTS)
    return Order(
        order_id="o",
        customer_id="c",
        status="placed",
        currency=draw(st.sampled_from(("EUR", "JPY", "KWD"))),
        lines=lines,
        items=items,
        discount=discount,
        shipping=shipping,
        gift_cards=draw(st.integers(0, items - discount + shipping)),
        gift_cards_refunded=0,
        paid=0,
        refunded=0,
        base_refunded=0,
        placed_at=NOW,
    )


@st.composite
def partial_returns(draw: st.DrawFn, order: Order) -> list[dict[str, int]]:
    """All goods of the order, in parcels of any size."""
    units = [sku for sku, quantity in order.quantities().items() for _ in range(quantity)]
    parcels: list[dict[str, int]] = [{}]
    for sku in draw(st.permutations(units)):
        another: bool = draw(st.booleans())
        if another and parcels[-1]:
            parcels.append({})
        parcels[-1][sku] = parcels[-1].get(sku, 0) + 1
    return parcels


def add_up(order: Order) -> None:
    t = order.totals
    assert t.items - t.discount + t.shipping - t.gift_cards == t.due
    assert min(t) >= 0
    assert t.refunded <= t.paid <= t.due
    assert order.gift_cards_refunded <= t.gift_cards


def send_back(order: Order, parcels: Sequence[dict[str, int]]) -> list[Any]:
    """Refund the parcels one by one; answers with the events."""
    told: list[Any] = []
    earlier: list[Return] = []
    for number, parcel in enumerate(parcels):
        back = Return(
            return_id=str(number),
            order_id="o",
            customer_id="c",
            kind="refund",
            lines=[{"sku": sku, "quantity": quantity} for sku, quantity in parcel.items()],
            status="approved",
        )
        told += back.refund(order, refunded_goods(earlier), NOW)
        earlier.append(back)
        assert back.amount >= 0
        assert back.to_gift_cards >= 0
        assert quantities_of(back.lines) == parcel
        add_up(order)
    return told


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_order_adds_up_at_every_step(data: st.DataObject) -> None:
    order = data.draw(orders())
    rate = data.draw(
        st.one_of(
            st.none(),
            st.decimals("0.001", "500", places=4).map(
                lambda rate: Rate("EUR", Decimal(rate), date(2026, 3, 2))
            ),
        )
    )
    order.place(rate)
    add_up(order)
    assert order.totals.due == order.total - order.gift_cards
    order.pay(NOW)
    assert order.totals.paid == order.totals.due
    if data.draw(st.booleans()):
        order.cancel(NOW)
        add_up(order)
        assert order.returned == order.total
        return
    order.complete(NOW)
    told = send_back(order, data.draw(partial_returns(order)))

    # All of the goods are back: so is, to the last cent, what they had cost, each means its share.
    goods = order.items - order.discount
    assert order.returned == goods
    assert sum(event.amount + event.gift_cards for event in told) == goods
    if order.total:
        share = order.gift_cards * goods / order.total
        assert abs(order.gift_cards_refunded - share) <= 1
    if order.base_total is None:
        assert all(event.base_amount is None for event in told)
    else:
        assert sum(event.base_amount for event in told) == order.base_refunded
        assert order.base_refunded <= order.base_total
        if not order.shipping:
            assert order.base_refunded == (order.base_total if order.total else 0)


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=5).flatmap(
        lambda amounts: st.tuples(
            st.just(amounts), st.lists(st.integers(0, sum(amounts)), max_size=6)
        )
    )
)
def test_cards_get_back_no_more_than_they_gave(drawn: tuple[list[int], list[int]]) -> None:
    amounts, steps = drawn
    spent = [Spent(str(number), amount, 0) for number, amount in enumerate(amounts)]
    left = sum(amounts)
    for step in steps:
        wanted = min(step, left)
        parts = dict(give_back(spent, wanted))
        assert sum(parts.values()) == wanted
        left -= wanted
        spent = [s._replace(refunded=s.refunded + parts.get(s.gift_card_id, 0)) for s in spent]
        assert all(0 <= s.refunded <= s.amount for s in spent)
        # The first named is full before the next gets anything.
        filling = [s.refunded < s.amount for s in spent]
        assert not any(s.refunded for s, before in zip(spent[1:], filling, strict=False) if before)
