"""Erasing and exporting, as `profile` does it: the other services are told, or asked."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from perennial_events.catalogue import Clicked, ErasureCompleted, OrderPaid
from perennial_http import ServiceApp
from perennial_http.testing import until

SECRETS = {
    "name": "Zebulon Quux",
    "email": "zebulon@quux.example",
    "phone": "+31201234567",
    "postcode": "1011 QX",
    "attributes": {"shoe": "zebulon-size"},
}


@pytest.fixture(autouse=True)
async def customer(client: httpx.AsyncClient) -> None:
    answer = await client.post(
        "/v1/customers",
        json={"customer_id": "c-1", "country": "NL", **SECRETS},
        headers={"Idempotency-Key": "first"},
    )
    assert answer.status_code == 201, answer.text
    # Changes nothing and so tells of nothing; its answer is kept all the same.
    same = {"name": SECRETS["name"]}
    headers = {"Idempotency-Key": "second"}
    assert (await client.patch("/v1/customers/c-1", json=same, headers=headers)).status_code == 200
    await client.put(
        "/v1/customers/c-1/consents/email/marketing",
        json={"status": "granted", "source": "checkout", "proof": "Zebulon from 192.0.2.77"},
        headers={"Idempotency-Key": "third"},
    )


async def everything(app: ServiceApp) -> str:
    """All rows of all tables."""
    async with app.runtime.database.reading() as session:
        tables = await session.scalars(
            text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        )
        rows = [
            await session.scalar(
                text(f"SELECT coalesce(string_agg(CAST(t AS text), E'\\n'), '') FROM {table} AS t")
            )
            for table in tables.all()
        ]
        bodies = await session.scalars(text("SELECT body FROM idempotency"))
        return "\n".join([*map(str, rows), *(body.decode() for body in bodies)])


async def test_nothing_of_them_stays(client: httpx.AsyncClient, app: ServiceApp) -> None:
    before = await everything(app)
    assert before.count("Zebulon") >= 5, "they were there"

    answer = await client.delete("/v1/customers/c-1")

    assert answer.status_code == 202, answer.text
    left = await everything(app)
    told = ("Zebulon", "zebulon", "31201234567", "1011", "192.0.2.77")
    assert [each for each in told if each in left] == []
    assert "c-1" in left


async def test_whoever_asks_for_them_hears_that_they_are_gone(client: httpx.AsyncClient) -> None:
    await client.delete("/v1/customers/c-1")
    asked = [
        ("GET", "/v1/customers/c-1", None),
        ("GET", "/v1/customers/c-1/state", None),
        ("GET", "/v1/customers/c-1/timeline", None),
        ("GET", "/v1/customers/c-1/consents", None),
        ("GET", "/v1/customers/c-1/consents/history", None),
        ("PATCH", "/v1/customers/c-1", {"name": "Zebulon"}),
        ("POST", "/v1/customers", {"customer_id": "c-1", "name": "Zebulon"}),
        ("POST", "/v1/customers/c-1/export", None),
        (
            "PUT",
            "/v1/customers/c-1/consents/email/marketing",
            {"status": "granted", "source": "app"},
        ),
    ]
    answers = [await client.request(*ask[:2], json=ask[2]) for ask in asked]
    assert [each.status_code for each in answers] == [410] * len(asked)
    assert "was erased" in answers[0].json()["detail"]
    listed = (await client.get("/v1/customers?email=zebulon@quux.example")).json()["data"]
    assert listed == []
    assert (await client.get("/v1/customers")).json()["data"] == []


async def test_an_import_refuses_only_the_erased_one(client: httpx.AsyncClient) -> None:
    await client.delete("/v1/customers/c-1")
    lines = [{"customer_id": "c-1", "name": "Zebulon"}, {"customer_id": "c-2", "name": "Other"}]
    answer = await client.post(
        "/v1/customers:import",
        content="\n".join(map(json.dumps, lines)),
        headers={"content-type": "application/x-ndjson"},
    )
    said = [json.loads(line) for line in answer.text.splitlines()]
    assert said[-1] == {"created": 1, "unchanged": 0, "refused": 1}
    assert (said[0]["id"], said[0]["errors"][0]["pointer"]) == ("c-1", "/customer_id")


async def test_later_events_make_nothing_new_of_them(
    client: httpx.AsyncClient, app: ServiceApp, tell: Any
) -> None:
    await client.delete("/v1/customers/c-1")
    await tell(
        Clicked(name="page_viewed", customer_id="c-1"),
        OrderPaid(order_id="o-1", customer_id="c-1", currency="EUR", amount=1, base_amount=1),
    )
    assert (await client.get("/v1/customers/c-1")).status_code == 410
    assert (await client.get("/v1/customers/c-1/state")).status_code == 410
    stages = (await client.get("/v1/stages")).json()["data"]
    assert sum(each["customers"] for each in stages) == 0


async def test_an_erasure_is_done_when_every_service_says_so(
    client: httpx.AsyncClient, tell: Any, clock: Any
) -> None:
    first = (await client.delete("/v1/customers/c-1")).json()
    again = (await client.delete("/v1/customers/c-1")).json()
    assert again["erasure_id"] == first["erasure_id"]
    assert first["requested_by"] == "admin"
    assert {step["service"]: step["status"] for step in first["services"]} == {
        "engagement": "pending",
        "orders": "pending",
        "profile": "done",
        "recommend": "pending",
        "support": "pending",
    }

    clock.turn(seconds=5)
    for service in ("orders", "engagement", "support"):
        await tell(done(first, service), done(first, service))
    assert (await read(client, first))["status"] == "pending"
    clock.turn(seconds=5)
    await tell(done(first, "recommend"))

    last = await read(client, first)
    assert last["status"] == "done"
    assert last["done_at"] == "2026-03-02T12:00:10Z"


def done(erasure: Any, service: str) -> ErasureCompleted:
    return ErasureCompleted(customer_id="c-1", erasure_id=erasure["erasure_id"], service=service)


async def read(client: httpx.AsyncClient, erasure: Any) -> Any:
    return (await client.get(f"/v1/erasures/{erasure['erasure_id']}")).json()


async def test_an_unknown_one_cannot_be_erased(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/v1/customers/nobody")).status_code == 404
    assert (await client.get("/v1/erasures/none")).status_code == 404


async def test_many_at_once_are_one_erasure(client: httpx.AsyncClient) -> None:
    """Erasing, changing and erasing again at the same moment: nothing of it survives."""
    attempts = [
        client.delete("/v1/customers/c-1", headers={"Idempotency-Key": "d"}),
        *(client.delete("/v1/customers/c-1") for _ in range(4)),
        *(
            client.patch(
                "/v1/customers/c-1",
                json={"name": f"Zebulon {number}"},
                headers={"Idempotency-Key": f"p-{number}"},
            )
            for number in range(8)
        ),
    ]
    answers = await asyncio.gather(*attempts)
    erasures = {each.json()["erasure_id"] for each in answers if each.status_code == 202}
    assert len(erasures) == 1
    assert {each.status_code for each in answers} <= {200, 202, 409, 410}


# Export


async def exported(client: httpx.AsyncClient, body: Any = None) -> list[Any]:
    answer = await client.post("/v1/customers/c-1/export", json=body)
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.content.split(b"\n") if line]


async def test_an_export_names_what_it_leaves_out_and_why(client: httpx.AsyncClient) -> None:
    *records, last = await exported(client)
    assert {"Zebulon Quux"} == {
        each["data"]["name"] for each in records if each["table"] == "customers"
    }
    assert any("192.0.2.77" in str(each["data"]) for each in records)
    assert last["complete"] is False
    assert [each["service"] for each in last["left_out"]] == [
        *("orders", "engagement", "support", "recommend")
    ]
    assert "PERENNIAL_ORDERS_URL" in last["left_out"][0]["reason"]
    assert last["records"]["profile"] == len(records)


async def test_an_export_can_be_of_one_service(client: httpx.AsyncClient) -> None:
    last = (await exported(client, {"services": ["profile"]}))[-1]
    assert (last["left_out"], last["complete"]) == ([], False)
    wrong = await client.post("/v1/customers/c-1/export", json={"services": ["nowhere"]})
    assert wrong.status_code == 422


# Audit


async def entries(client: httpx.AsyncClient, **query: str) -> list[tuple[str, str]]:
    answer = await client.get("/v1/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [(each["action"], each["operation"]) for each in answer.json()["data"]]


async def test_changes_are_on_record_at_once_and_reads_within_a_second(
    client: httpx.AsyncClient,
) -> None:
    await client.get("/v1/customers/c-1")
    await client.get("/v1/customers/c-1/state")
    await client.patch("/v1/customers/c-1", json={"name": "Quux"})

    changed = [each for each in await entries(client, customer_id="c-1") if each[0] == "changed"]
    assert changed == [
        ("changed", "PATCH /v1/customers/{customer_id}"),
        ("changed", "PUT /v1/customers/{customer_id}/consents/{channel}/{purpose}"),
        ("changed", "PATCH /v1/customers/{customer_id}"),
        ("changed", "POST /v1/customers"),
    ]

    async def read_is_on_record() -> bool:
        return ("read", "GET /v1/customers/{customer_id}") in await entries(client, actor="admin")

    await until(read_is_on_record)
    assert await entries(client, customer_id="c-2") == []
    assert await entries(client, actor="somebody-else") == []


async def test_the_record_names_fields_and_never_values(client: httpx.AsyncClient) -> None:
    await client.patch("/v1/customers/c-1", json={"name": "Zebulon the Second", "phone": None})
    found = (await client.get("/v1/audit?customer_id=c-1&limit=1")).json()["data"][0]
    assert (found["actor"], found["fields"]) == ("admin", ["name", "phone"])
    everything = (await client.get("/v1/audit")).text
    assert "Zebulon" not in everything


async def test_a_change_that_is_refused_leaves_no_record(client: httpx.AsyncClient) -> None:
    before = await entries(client)
    refused = await client.post("/v1/customers", json={"customer_id": "c-1", "name": "Again"})
    assert refused.status_code == 409
    assert await entries(client) == before


async def test_an_erased_customer_is_merged_with_nobody(client: httpx.AsyncClient) -> None:
    for customer_id in ("c-gone", "c-there"):
        await client.post("/v1/customers", json={"customer_id": customer_id})
    assert (await client.delete("/v1/customers/c-gone")).status_code == 202
    for one, other in (("c-gone", "c-there"), ("c-there", "c-gone")):
        answer = await client.post(f"/v1/customers/{one}/merge", json={"into": other})
        assert (answer.status_code, answer.json()["title"]) == (
            409,
            "One of the customers was erased",
        )
