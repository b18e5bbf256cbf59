"""Membership follows events, windows and rules, and tells of each change once."""

from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from perennial_events import Log
from perennial_events.catalogue import (
    Clicked,
    OrderLine,
    OrderPaid,
    OrderPlaced,
    SegmentEntered,
    SegmentLeft,
    VisitorIdentified,
)
from perennial_events.envelope import open_envelope
from perennial_http.testing import until

Json = dict[str, Any]

VIEWED_TWICE = {
    "event": "product_viewed",
    "count": {"op": ">=", "value": 2},
    "within": "7d",
}
BOUGHT = {"field": "orders.count", "op": ">=", "value": 1}


def clicked(name: str = "product_viewed", **who: Any) -> Clicked:
    return Clicked(name=name, sku="mug", **who)


def order(order_id: str, customer: str = "c-1") -> tuple[OrderPlaced, OrderPaid]:
    line = OrderLine(sku="mug", quantity=1, unit_price=1000)
    return (
        OrderPlaced(
            order_id=order_id, customer_id=customer, currency="EUR", lines=[line], items=1000,
            discount=0, shipping=0, total=1000, base_total=1000,
        ),
        OrderPaid(order_id=order_id, customer_id=customer, currency="EUR", amount=1000),
    )  # fmt: skip


class Told(NamedTuple):
    fact: str
    customer_id: str
    segment_id: str
    reason: str
    because: list[str]
    imported: bool


class Segments:
    """Makes segments and knows what became of them."""

    def __init__(self, client: httpx.AsyncClient, log: Log) -> None:
        self._client = client
        self._log = log

    async def make(self, segment_id: str, rule: Json) -> None:
        """Make the segment, or give it this rule; return when its members are computed."""
        made = await self._client.put(
            f"/v1/segments/{segment_id}", json={"name": segment_id, "rule": rule}
        )
        assert made.status_code == 200, made.text
        await self.computed(segment_id)

    async def computed(self, segment_id: str) -> None:
        async def ready() -> bool:
            answer = await self._client.get(f"/v1/segments/{segment_id}/members")
            return bool(answer.json()["status"] == "ready")

        await until(ready)

    async def members(self, segment_id: str) -> list[str]:
        answer = await self._client.get(f"/v1/segments/{segment_id}/members?limit=200")
        assert answer.status_code == 200, answer.text
        return [member["customer_id"] for member in answer.json()["data"]]

    async def become(self, segment_id: str, *customers: str) -> None:
        """Return when the segment has just these members, which the clock or the worker brings about."""

        async def so() -> bool:
            return await self.members(segment_id) == sorted(customers)

        await until(so)

    async def told(self, count: int) -> list[Told]:
        """What was told of entering and leaving, as soon as there is as much of it."""
        found: list[Told] = []

        async def enough() -> bool:
            found[:] = await self._read()
            return len(found) >= count

        await until(enough)
        return found

    async def _read(self) -> list[Told]:
        batch = await self._log.read(await self._log.starts(["perennial.customers"]), 10_000)
        received = [open_envelope(each.envelope) for records in batch.values() for each in records]
        return [
            Told(
                event.fact, event.customer_id, event.segment_id, event.reason, event.because,
                envelope.imported,
            )
            for event, envelope in received
            if isinstance(event, SegmentEntered | SegmentLeft)
        ]  # fmt: skip


@pytest.fixture
def segments(client: httpx.AsyncClient, platform_log: Log) -> Segments:
    return Segments(client, platform_log)


async def test_an_event_moves_a_customer_in_and_the_end_of_its_window_out(
    segments: Any, tell: Any, clock: Any
) -> None:
    await segments.make("keen", VIEWED_TWICE)
    await tell(clicked(customer_id="c-1"), clicked(customer_id="c-2"))
    assert await segments.members("keen") == []
    clock.turn(days=1)
    await tell(clicked(customer_id="c-1"), clicked("product_added", customer_id="c-2"))
    assert await segments.members("keen") == ["c-1"]
    clock.turn(days=6, microseconds=-1)
    await tell(clicked("searched", customer_id="c-1"))
    assert await segments.members("keen") == ["c-1"]

    clock.turn(microseconds=1)
    await segments.become("keen")

    entered, left = await segments.told(2)
    assert (entered.fact, entered.reason, entered.because) == (
        "segment_entered",
        "event",
        ["product_viewed"],
    )
    assert (left.fact, left.reason, left.because) == ("segment_left", "time", [])


async def test_what_comes_twice_is_told_once(segments: Any, tell: Any) -> None:
    await segments.make("buyers", BOUGHT)
    await tell(*order("o-1"), *order("o-2"))
    await tell(*order("o-1"), *order("o-3"))
    assert await segments.members("buyers") == ["c-1"]
    assert len(await segments.told(1)) == 1


async def test_the_anonymous_past_counts_once_it_is_stitched(segments: Any, tell: Any) -> None:
    await segments.make("keen", VIEWED_TWICE)
    await tell(clicked(anonymous_id="a-1"), clicked(customer_id="c-1"))
    assert await segments.members("keen") == []
    await tell(VisitorIdentified(customer_id="c-1", anonymous_id="a-1"))
    assert await segments.members("keen") == ["c-1"]
    await tell(VisitorIdentified(customer_id="c-2", anonymous_id="a-2"))
    await tell(clicked(anonymous_id="a-2"), clicked(anonymous_id="a-2"))
    assert await segments.members("keen") == ["c-1", "c-2"]


async def test_a_sequence_is_certain_when_its_time_has_run_out(
    segments: Any, tell: Any, clock: Any
) -> None:
    rule = {
        "event": "product_added",
        "within": "30d",
        "not_followed_by": {"event": "order_placed", "within": "3d"},
    }
    await segments.make("abandoned", rule)
    await tell(clicked("product_added", customer_id="c-1"))
    await tell(clicked("product_added", customer_id="c-2"))
    clock.turn(days=2)
    await tell(*order("o-1", "c-2"))
    assert await segments.members("abandoned") == []
    clock.turn(days=1)
    await segments.become("abandoned", "c-1")
    clock.turn(days=27)
    await segments.become("abandoned")


async def test_a_customer_met_by_whatever_event_enters_what_wants_nothing_of_them(
    segments: Any, tell: Any, client: httpx.AsyncClient
) -> None:
    await segments.make("not-buyers", {"not": BOUGHT})
    await segments.make("germans", {"field": "country", "op": "=", "value": "DE"})
    await tell(clicked("searched", customer_id="c-1"))
    assert await segments.members("not-buyers") == ["c-1"]
    await client.post("/v1/customers", json={"customer_id": "c-2", "country": "DE"})
    await segments.become("not-buyers", "c-1", "c-2")
    await segments.become("germans", "c-2")
    await client.patch("/v1/customers/c-2", json={"country": "NL"})
    await segments.become("germans")


async def test_a_new_rule_is_held_against_everybody(
    segments: Any, tell: Any, clock: Any, client: httpx.AsyncClient
) -> None:
    await tell(*order("o-1"), *order("o-2", "c-2"), *order("o-3", "c-2"))
    await segments.make("buyers", BOUGHT)
    assert await segments.members("buyers") == ["c-1", "c-2"]
    await segments.make("buyers", {"field": "orders.count", "op": ">=", "value": 2})
    assert await segments.members("buyers") == ["c-2"]
    await segments.make("loyal", {"all": [{"segment": "buyers"}, {"not": VIEWED_TWICE}]})
    assert await segments.members("loyal") == ["c-2"]
    # Who depends on a rule follows it.
    await segments.make("buyers", BOUGHT)
    await segments.become("loyal", "c-1", "c-2")

    told = await segments.told(6)

    assert {each.reason for each in told} == {"rule"}
    assert sorted(each.fact for each in told if each.customer_id == "c-1") == [
        *["segment_entered"] * 3,
        "segment_left",
    ]
    assert (await client.delete("/v1/segments/buyers")).status_code == 409
    assert (await client.delete("/v1/segments/loyal")).status_code == 204
    assert (await client.delete("/v1/segments/buyers")).status_code == 204
    assert (await client.get("/v1/segments/buyers/members")).status_code == 404
    told = await segments.told(10)
    assert [each.fact for each in told].count("segment_left") == 5
    assert (await client.get("/v1/customers/c-1/segments")).json()["data"] == []


async def test_who_was_erased_is_chosen_by_no_rule(
    segments: Any, tell: Any, client: httpx.AsyncClient
) -> None:
    await segments.make("buyers", BOUGHT)
    await tell(*order("o-1"), *order("o-2", "c-2"))
    assert await segments.members("buyers") == ["c-1", "c-2"]
    assert (await client.delete("/v1/customers/c-1")).status_code == 202
    assert await segments.members("buyers") == ["c-2"]
    await tell(*order("o-3"), *order("o-4", "c-2"))
    assert await segments.members("buyers") == ["c-2"]
    await segments.make("loyal", {"field": "orders.count", "op": ">=", "value": 2})
    assert await segments.members("loyal") == ["c-2"]


async def test_imported_history_is_flagged(segments: Any, tell: Any, clock: Any) -> None:
    await segments.make("buyers", BOUGHT)
    await tell(*order("o-1"), at=clock() - timedelta(days=400), imported=True)
    await tell(*order("o-2", "c-2"))
    assert [(each.customer_id, each.imported) for each in sorted(await segments.told(2))] == [
        ("c-1", True),
        ("c-2", False),
    ]


async def test_a_stage_that_passes_by_days_moves_its_segment(
    segments: Any, tell: Any, clock: Any
) -> None:
    await segments.make("active", {"field": "stage", "op": "=", "value": "active"})
    await tell(*order("o-1"))
    assert await segments.members("active") == []
    clock.turn(days=31)
    await segments.become("active", "c-1")


async def test_explain_says_which_clause_held_and_what_it_saw(
    segments: Any, tell: Any, clock: Any, client: httpx.AsyncClient
) -> None:
    rule = {"all": [BOUGHT, {"not": VIEWED_TWICE}, {"attribute": "tier", "op": "=", "value": "a"}]}
    await segments.make("one", rule)
    await tell(*order("o-1"), clicked(customer_id="c-1"))
    answer = (await client.get("/v1/customers/c-1/segments/one/explain")).json()
    assert (answer["holds"], answer["member"], answer["since"]) == (False, False, None)
    assert answer["unchanged_until"] is None
    assert [(each["pointer"], each["holds"], each["seen"]) for each in answer["clauses"]] == [
        ("", False, None),
        ("/all/0", True, 1),
        ("/all/1", True, None),
        ("/all/1/not", False, 1),
        ("/all/2", False, None),
    ]
    assert answer["clauses"][1]["clause"] == BOUGHT
    assert (await client.get("/v1/customers/c-1/segments/two/explain")).status_code == 404
    assert (await client.get("/v1/customers/c-9/segments/one/explain")).status_code == 404


async def test_a_preview_counts_and_keeps_nothing(tell: Any, client: httpx.AsyncClient) -> None:
    await tell(*order("o-1"), *order("o-2", "c-2"), clicked(customer_id="c-3"))
    answer = await client.post("/v1/segments/preview", json={"rule": BOUGHT})
    assert answer.json() == {"count": 2, "sample": ["c-1", "c-2"]}
    assert (await client.get("/v1/segments")).json()["data"] == []


@pytest.mark.parametrize("limit", [1, 2])
async def test_members_come_in_pages(
    segments: Any, tell: Any, client: httpx.AsyncClient, limit: int
) -> None:
    await segments.make("buyers", BOUGHT)
    await tell(*(event for n in range(5) for event in order(f"o-{n}", f"c-{n}")))
    found, query = list[str](), f"?limit={limit}"
    while query:
        page = (await client.get(f"/v1/segments/buyers/members{query}")).json()
        found += [member["customer_id"] for member in page["data"]]
        cursor = page["next_cursor"]
        query = f"?limit={limit}&cursor={cursor}" if cursor else ""
    assert found == [f"c-{n}" for n in range(5)]
