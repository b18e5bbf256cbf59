"""What else a customer is known by, and the people of a company."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from perennial_events.catalogue import Clicked, VisitorIdentified


async def register(client: httpx.AsyncClient, customer_id: str, **details: Any) -> None:
    answer = await client.post("/v1/customers", json={"customer_id": customer_id, **details})
    assert answer.status_code == 201, answer.text


async def add(client: httpx.AsyncClient, customer_id: str, kind: str, value: str) -> httpx.Response:
    body = {"kind": kind, "value": value}
    answer = await client.post(f"/v1/customers/{customer_id}/identities", json=body)
    if event := answer.headers.get("Perennial-Event"):
        client.headers["Perennial-After"] = event
    return answer


async def listed(client: httpx.AsyncClient, customer_id: str) -> set[tuple[str, str]]:
    answer = await client.get(f"/v1/customers/{customer_id}/identities")
    assert answer.status_code == 200, answer.text
    return {(each["kind"], each["value"]) for each in answer.json()["data"]}


async def found(client: httpx.AsyncClient, **query: str) -> list[str]:
    answer = await client.get("/v1/customers", params=query)
    return [each["customer_id"] for each in answer.json()["data"]]


async def test_identities_are_added_found_listed_and_removed(client: httpx.AsyncClient) -> None:
    await register(client, "a", email="one@example.com")
    ids = {}
    for kind, value in (
        ("email", "two@EXAMPLE.com"),
        ("phone", "+31 20 123 4567"),
        ("loyalty_card", "77/1 x"),
    ):
        answer = await add(client, "a", kind, value)
        assert answer.status_code == 201, answer.text
        ids[kind] = answer.json()["identity_id"]
    known = {
        ("email", "two@example.com"),
        ("phone", "+31201234567"),
        ("loyalty_card", "77/1 x"),
    }
    assert await listed(client, "a") == known
    assert await found(client, email="two@example.com") == ["a"]
    assert await found(client, email="one@example.com") == ["a"]
    assert await found(client, phone="+31201234567") == ["a"]
    assert await found(client, identity="loyalty_card:77/1 x") == ["a"]
    for kind, id in ids.items():
        answer = await client.delete(f"/v1/customers/a/identities/{id}")
        assert answer.status_code == 204, kind
        assert (await client.delete(f"/v1/customers/a/identities/{id}")).status_code == 404
    assert await listed(client, "a") == set()
    assert await found(client, identity="loyalty_card:77/1 x") == []


async def test_an_identity_is_one_customers(
    client: httpx.AsyncClient, app: Any, published: Any
) -> None:
    for id in "abc":
        await register(client, id)
    assert (await add(client, "a", "loyalty_card", "77")).status_code == 201
    again = await add(client, "a", "loyalty_card", "77")
    assert (again.status_code, "Perennial-Event" in again.headers) == (201, False)
    taken = await add(client, "b", "loyalty_card", "77")
    assert (taken.status_code, taken.json()["customer_id"]) == (409, "a")
    merged = await client.post("/v1/customers/a/merge", json={"into": "c"})
    client.headers["Perennial-After"] = merged.headers["Perennial-Event"]
    assert await listed(client, "c") == {("loyalty_card", "77")}
    assert (await add(client, "c", "loyalty_card", "77")).status_code == 201
    taken = await add(client, "b", "loyalty_card", "77")
    assert taken.json()["customer_id"] == "c"
    assert await found(client, identity="loyalty_card:77") == ["c"]


@pytest.mark.parametrize(
    ("kind", "value", "pointer"),
    [
        ("email", "nobody", "/value"),
        ("phone", "12", "/value"),
        ("anonymous_id", "a b", "/value"),
        ("anonymous_id", "a\n", "/value"),
        ("loyalty_card", "", "/value"),
        ("loyalty_card", "a\u0000", "/value"),
        ("Card", "7", "/kind"),
    ],
)
async def test_bad_identities_are_pointed_at(
    client: httpx.AsyncClient, kind: str, value: str, pointer: str
) -> None:
    await register(client, "a")
    answer = await add(client, "a", kind, value)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


async def test_an_anonymous_past_is_brought_along_and_let_go(
    client: httpx.AsyncClient, tell: Any, state_of: Any, clock: Any
) -> None:
    await register(client, "a")
    await register(client, "b")
    await tell(Clicked(name="page_viewed", anonymous_id="v"))
    # The device's clock was ahead of ours.
    stitched = VisitorIdentified(customer_id="b", anonymous_id="v")
    await tell(stitched, at=clock() + timedelta(hours=1))
    assert (await state_of("b"))["clicks"]["total"] == 1
    added = await add(client, "a", "anonymous_id", "v")
    assert added.status_code == 201
    assert [(await state_of(id))["clicks"]["total"] for id in "ab"] == [1, 0]
    assert await listed(client, "a") == {("anonymous_id", "v")}
    assert await found(client, anonymous_id="v") == ["a"]
    path = f"/v1/customers/a/identities/{added.json()['identity_id']}"
    removed = await client.delete(path)
    assert removed.status_code == 204
    client.headers["Perennial-After"] = removed.headers["Perennial-Event"]
    assert [(await state_of(id))["clicks"]["total"] for id in "ab"] == [0, 0]
    assert await found(client, anonymous_id="v") == []
    assert await listed(client, "a") == set()


async def test_a_company_has_contacts(client: httpx.AsyncClient, clock: Any) -> None:
    await register(client, "acme", kind="company")
    await register(client, "acme-nl", kind="company")
    for id, company in (("p", "acme"), ("q", "acme-nl"), ("r", None)):
        clock.turn(seconds=1)
        await register(client, id, company_id=company)
    contacts = (await client.get("/v1/customers/acme/contacts")).json()["data"]
    assert [each["customer_id"] for each in contacts] == ["p"]
    merged = await client.post("/v1/customers/acme-nl/merge", json={"into": "acme"})
    client.headers["Perennial-After"] = merged.headers["Perennial-Event"]
    contacts = (await client.get("/v1/customers/acme-nl/contacts?limit=1")).json()
    more = await client.get(f"/v1/customers/acme/contacts?cursor={contacts['next_cursor']}")
    assert {contacts["data"][0]["customer_id"], more.json()["data"][0]["customer_id"]} == {"p", "q"}
    assert (await client.get("/v1/customers/p/contacts")).json()["data"] == []
    assert (await client.get("/v1/customers/x/contacts")).status_code == 404
