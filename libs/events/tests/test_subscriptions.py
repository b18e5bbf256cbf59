"""Gathering events by type without inverting any key's."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from perennial_events import Event, Received, seal
from perennial_events.catalogue import OrderCompleted, OrderPaid, ProductChanged
from perennial_events.envelope import Record
from perennial_events.subscriptions import in_order, open_records
from perennial_events.values import utc_now


def event(kind: int, key: str) -> Event:
    match kind:
        case 0:
            return OrderCompleted(order_id="o", customer_id=key)
        case 1:
            return OrderPaid(order_id="o", customer_id=key, currency="EUR", amount=1)
        case _:
            return ProductChanged(sku=key)


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from("abcd")), max_size=60))
def test_groups_keep_each_keys_order_and_every_event(drawn: list[tuple[int, str]]) -> None:
    batch = [
        Received(each, seal(each, source="/t", time=utc_now()))
        for each in (event(kind, key) for kind, key in drawn)
    ]
    groups = list(in_order(batch))

    gathered = [received for _, group in groups for received in group]
    assert sorted(map(id, gathered)) == sorted(map(id, batch))
    for event_type, group in groups:
        assert group
        assert {type(received.event) for received in group} == {event_type}
    for key in "abcd":
        of_key = [r for r in batch if r.envelope.key == key]
        assert [id(r) for r in gathered if r.envelope.key == key] == [id(r) for r in of_key]


def test_one_type_is_one_group() -> None:
    batch = [
        Received(each, seal(each, source="/t", time=utc_now()))
        for each in (event(0, str(n)) for n in range(50))
    ]
    assert len(list(in_order(batch))) == 1


async def test_what_can_be_read_is_opened_and_of_two_copies_the_first() -> None:
    sealed = seal(ProductChanged(sku="a", available=True), source="/t", time=utc_now())
    copy = sealed._replace(data=sealed.data.replace("true", "false"))
    torn = sealed._replace(id=uuid4(), data="{")
    opened = await open_records(
        [Record(0, n, utc_now(), e) for n, e in enumerate((sealed, copy, torn))]
    )
    assert {id: received.event for id, received in opened.items()} == {
        sealed.id: ProductChanged(sku="a", available=True)
    }
