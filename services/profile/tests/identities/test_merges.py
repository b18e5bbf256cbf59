"""Merges through their door: what the survivor has, what undoing gives back, what is refused."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from perennial_events.catalogue import Clicked, OrderLine, OrderPaid, OrderPlaced, VisitorIdentified

Json = dict[str, Any]

MOVES_WITH_TIME = {"freshness", "value_segment", "value_tier"}


def bought(order_id: str, customer_id: str, total: int = 1000) -> tuple[OrderPlaced, OrderPaid]:
    placed = OrderPlaced(
        order_id=order_id,
        customer_id=customer_id,
        currency="EUR",
        lines=[OrderLine(sku="mug", quantity=1, unit_price=total, category="Kitchen")],
        items=total,
        discount=0,
        shipping=0,
        total=total,
        base_total=total,
    )
    paid = OrderPaid(
        order_id=order_id,
        customer_id=customer_id,
        currency="EUR",
        amount=total,
        base_amount=total,
    )
    return placed, paid


async def register(client: httpx.AsyncClient, customer_id: str, **details: Any) -> None:
    answer = await client.post("/v1/customers", json={"customer_id": customer_id, **details})
    assert answer.status_code == 201, answer.text


async def merge(client: httpx.AsyncClient, customer_id: str, into: str) -> Json:
    answer = await client.post(f"/v1/customers/{customer_id}/merge", json={"into": into})
    assert answer.status_code == 201, answer.text
    await applied(client, answer)
    return dict(answer.json())


async def undo(client: httpx.AsyncClient, merged: Json) -> Json:
    answer = await client.post(f"/v1/merges/{merged['merge_id']}/undo")
    assert answer.status_code == 200, answer.text
    await applied(client, answer)
    return dict(answer.json())


async def applied(client: httpx.AsyncClient, answer: httpx.Response) -> None:
    """Wait for the effect of a write, and have every later read wait for it."""
    client.headers["Perennial-After"] = answer.headers["Perennial-Event"]
    assert (await client.get("/v1/stages")).status_code == 200


async def read(client: httpx.AsyncClient, customer_id: str) -> list[Json]:
    """All that is told of a customer, but for how fresh it is, and where they stand among the shop's
    buyers: that the clock divides anew meanwhile."""
    answers = []
    for path in ("", "/state", "/timeline", "/identities"):
        answer = await client.get(f"/v1/customers/{customer_id}{path}")
        assert answer.status_code == 200, answer.text
        answers.append({k: v for k, v in answer.json().items() if k not in MOVES_WITH_TIME})
    _, state, timeline, _ = answers
    del state["rfm"]["score"]
    timeline["data"] = [each for each in timeline["data"] if "value_changed" not in each["type"]]
    return answers


async def test_the_survivor_has_it_all_and_undoing_gives_it_back(
    client: httpx.AsyncClient, tell: Any, state_of: Any, clock: Any
) -> None:
    await register(client, "a", email="a@example.com", attributes={"size": "m", "pet": "cat"})
    await register(client, "b", name="Bea", attributes={"size": "l"})
    await tell(*bought("o-1", "a"), *bought("o-2", "b", 500))
    await tell(Clicked(name="page_viewed", anonymous_id="v"))
    await tell(VisitorIdentified(customer_id="a", anonymous_id="v"))
    before = [await read(client, id) for id in ("a", "b")]

    merged = await merge(client, "a", "b")

    assert (merged["customer_id"], merged["into"], merged["undone_at"]) == ("a", "b", None)
    whole = await read(client, "b")
    assert await read(client, "a") == whole
    customer, state, timeline, _ = whole
    assert customer["customer_id"] == state["customer_id"] == "b"
    assert (customer["name"], customer["email"]) == ("Bea", "a@example.com")
    assert customer["attributes"] == {"size": "l", "pet": "cat"}
    assert (state["orders"]["count"], state["orders"]["gross"]["amount"]) == (2, 1500)
    assert state["clicks"]["total"] == 1
    assert len(timeline["data"]) == sum(len(of[2]["data"]) for of in before)
    found = (await client.get("/v1/customers")).json()["data"]
    assert [each["customer_id"] for each in found] == ["b"]
    for query in ("email=a@example.com", "anonymous_id=v", "q=be"):
        found = (await client.get(f"/v1/customers?{query}")).json()["data"]
        assert [each["customer_id"] for each in found] == ["b"], query
    stages = (await client.get("/v1/stages")).json()["data"]
    assert stages == [{"stage": "new", "customers": 1}]

    assert (await undo(client, merged))["undone_at"] is not None
    assert [await read(client, id) for id in ("a", "b")] == before


async def test_what_happens_meanwhile_stays_with_whom_it_named(
    client: httpx.AsyncClient, tell: Any, state_of: Any
) -> None:
    await register(client, "a")
    await register(client, "b")
    merged = await merge(client, "a", "b")
    await tell(*bought("o-1", "a"))
    assert (await state_of("b"))["stage"] == "new"
    await tell(*bought("o-2", "b", 500))
    await tell(VisitorIdentified(customer_id="a", anonymous_id="v"))
    await tell(Clicked(name="page_viewed", anonymous_id="v"))
    state = await state_of("b")
    assert (state["orders"]["count"], state["clicks"]["total"], state["stage"]) == (2, 1, "new")
    await undo(client, merged)
    for id, gross, clicks in (("a", 1000, 1), ("b", 500, 0)):
        state = await state_of(id)
        assert state["orders"]["gross"]["amount"] == gross
        assert state["clicks"]["total"] == clicks
        assert state["stage"] == "new"


async def test_a_stage_follows_the_orders_of_all_and_the_clock(
    client: httpx.AsyncClient, tell: Any, state_of: Any, clock: Any
) -> None:
    await register(client, "a")
    await register(client, "b")
    await tell(*bought("o-1", "b"), at=clock() - timedelta(days=300), imported=True)
    await tell(*bought("o-2", "a"), at=clock() - timedelta(days=2))
    assert [(await state_of(id))["stage"] for id in "ab"] == ["new", "lapsed"]
    merged = await merge(client, "a", "b")
    state = await state_of("b")
    assert (state["stage"], state["flags"]) == ("active", ["won_back"])
    await undo(client, merged)
    assert [(await state_of(id))["stage"] for id in "ab"] == ["new", "lapsed"]


@pytest.mark.parametrize("first", [0, 1])
async def test_a_chain_is_undone_in_either_order(
    client: httpx.AsyncClient, tell: Any, state_of: Any, first: int
) -> None:
    for id in "abc":
        await register(client, id, attributes={id: 1})
        await tell(*bought(f"o-{id}", id))
    before = [await read(client, id) for id in "abc"]
    chain = [await merge(client, "a", "b"), await merge(client, "b", "c")]
    whole = await read(client, "c")
    assert whole[1]["orders"]["count"] == 3
    assert whole[0]["attributes"] == {"a": 1, "b": 1, "c": 1}
    assert [await read(client, id) for id in "ab"] == [whole, whole]

    await undo(client, chain[first])

    counts = [(await state_of(id))["orders"]["count"] for id in "abc"]
    assert counts == ([1, 2, 2] if first == 0 else [2, 2, 1])
    await undo(client, chain[1 - first])
    assert [await read(client, id) for id in "abc"] == before


async def test_what_cannot_be_merged_says_why(client: httpx.AsyncClient) -> None:
    for id in "abcd":
        await register(client, id, kind="company" if id == "d" else "person")
    await merge(client, "a", "b")
    for customer_id, into, title in (
        ("c", "c", "A customer cannot be merged with themselves"),
        ("a", "c", "One of the customers was merged into another"),
        ("c", "a", "One of the customers was merged into another"),
        ("b", "a", "The merge would close a circle"),
        ("c", "d", "A company and a person cannot be merged"),
    ):
        answer = await client.post(f"/v1/customers/{customer_id}/merge", json={"into": into})
        assert (answer.status_code, answer.json()["title"]) == (409, title)
    assert (await client.post("/v1/customers/c/merge", json={"into": "x"})).status_code == 404
    assert (await client.post("/v1/customers/x/merge", json={"into": "c"})).status_code == 404
    assert (await client.post("/v1/merges/x/undo")).status_code == 404


async def test_an_undone_merge_is_undone_once_and_may_be_made_again(
    client: httpx.AsyncClient,
) -> None:
    await register(client, "a")
    await register(client, "b")
    merged = await merge(client, "a", "b")
    await undo(client, merged)
    assert (await client.post(f"/v1/merges/{merged['merge_id']}/undo")).status_code == 409
    again = await merge(client, "b", "a")
    listed = (await client.get("/v1/customers/b/merges")).json()["data"]
    assert {each["merge_id"] for each in listed} == {merged["merge_id"], again["merge_id"]}
    read_again = (await client.get(f"/v1/merges/{merged['merge_id']}")).json()
    assert read_again["undone_at"] is not None


async def test_of_merges_at_once_one_of_each_ring_is_refused(client: httpx.AsyncClient) -> None:
    ids = ["a", "b", "c", "d"]
    for id in ids:
        await register(client, id)
    pairs = [(one, other) for one in ids for other in ids if one != other]
    answers = await asyncio.gather(
        *(client.post(f"/v1/customers/{a}/merge", json={"into": b}) for a, b in pairs)
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = [answer.json() for answer in answers if answer.status_code == 201]
    assert len({each["customer_id"] for each in made}) == len(made) < len(ids)
    answering = {(await client.get(f"/v1/customers/{id}")).json()["customer_id"] for id in ids}
    assert len(answering) == len(ids) - len(made)
    undone = await asyncio.gather(
        *(client.post(f"/v1/merges/{each['merge_id']}/undo") for each in made * 2)
    )
    assert sorted(answer.status_code for answer in undone) == [200] * len(made) + [409] * len(made)
    for id in ids:
        assert (await client.get(f"/v1/customers/{id}")).json()["customer_id"] == id


async def test_a_patch_through_an_alias_changes_the_survivor(client: httpx.AsyncClient) -> None:
    await register(client, "a", name="Ann", country="NL", postcode="1012 AB")
    await register(client, "b", country="DE")
    merged = await merge(client, "a", "b")
    read = await client.get("/v1/customers/a")
    assert (read.json()["name"], read.json()["postcode"]) == ("Ann", None)
    stale = await client.patch("/v1/customers/a", json={"name": "x"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    changed = await client.patch(
        "/v1/customers/a", json={"name": "Bea"}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (changed.status_code, changed.json()["name"]) == (200, "Bea")
    assert changed.headers["ETag"] == (await client.get("/v1/customers/b")).headers["ETag"]
    await undo(client, merged)
    names = [(await client.get(f"/v1/customers/{id}")).json()["name"] for id in "ab"]
    assert names == ["Ann", "Bea"]
