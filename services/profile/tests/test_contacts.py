"""Contacts: address and permission in one answer."""

from typing import Any

import httpx
import pytest

from profile_service.consents.models import Channel
from profile_service.contacts.rules import Known, contact

NOBODY = Known("c-1", True, False, *[None] * 11)


@pytest.mark.parametrize(
    ("channel", "known", "address"),
    [
        ("email", {"email": "a@b.org"}, "a@b.org"),
        ("sms", {"phone": "+31201234567"}, "+31201234567"),
        ("phone", {"phone": "+31201234567"}, "+31201234567"),
        ("push", {"push_token": "t-1"}, "t-1"),
        ("web", {}, "c-1"),
        (
            "post",
            {"name": "Jane Roe", "street": "Kade 1", "postcode": "1011 AB", "country": "NL"},
            "Jane Roe\nKade 1\n1011 AB\nNL",
        ),
    ],
)
def test_each_channel_has_its_address(
    channel: Channel, known: dict[str, Any], address: str
) -> None:
    allowed = NOBODY._replace(status="granted", **known)
    assert contact(allowed, channel) == (address, None)
    assert contact(allowed._replace(status="withdrawn"), channel) == (None, "no_consent")
    assert contact(allowed._replace(status="pending"), channel) == (None, "no_consent")
    assert contact(allowed._replace(status=None), channel) == (None, "no_consent")
    assert contact(allowed._replace(erased=True), channel) == (None, "erased")


def test_a_letter_needs_a_street() -> None:
    known = NOBODY._replace(status="granted", name="Jane Roe", postcode="1011 AB")
    assert contact(known, "post") == (None, "no_address")


async def look_up(client: httpx.AsyncClient, *ids: str, channel: str = "email") -> list[Any]:
    body = {"customer_ids": ids, "channel": channel, "purpose": "marketing"}
    answer = await client.post("/v1/contacts:lookup", json=body)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


async def consent(client: httpx.AsyncClient, id: str, status: str, channel: str = "email") -> None:
    answer = await client.put(
        f"/v1/customers/{id}/consents/{channel}/marketing",
        json={"status": status, "source": "checkout"},
    )
    assert answer.status_code == 200, answer.text


async def test_each_is_answered_in_its_place_with_the_reason_why_not(
    client: httpx.AsyncClient,
) -> None:
    for id, email in (("yes", "y@b.org"), ("mute", None), ("no", "n@b.org"), ("gone", "g@b.org")):
        await client.post(
            "/v1/customers", json={"customer_id": id, "name": f"Name of {id}", "email": email}
        )
    for id in ("yes", "mute", "gone"):
        await consent(client, id, "granted")
    await client.delete("/v1/customers/gone")

    found = await look_up(client, "no", "gone", "yes", "nobody", "mute", "yes")

    assert [(each["customer_id"], each["address"], each["reason"]) for each in found] == [
        ("no", None, "no_consent"),
        ("gone", None, "erased"),
        ("yes", "y@b.org", None),
        ("nobody", None, "unknown"),
        ("mute", None, "no_address"),
        ("yes", "y@b.org", None),
    ]
    assert [each["name"] for each in found][:3] == [None, None, "Name of yes"]
    assert found[1]["consent"] is None


async def test_withdrawing_acts_on_the_very_next_look_up(client: httpx.AsyncClient) -> None:
    await client.post("/v1/customers", json={"customer_id": "c-1", "email": "a@b.org"})
    for _ in range(3):
        await consent(client, "c-1", "granted")
        assert (await look_up(client, "c-1"))[0]["reason"] is None
        await consent(client, "c-1", "withdrawn")
        assert (await look_up(client, "c-1"))[0]["reason"] == "no_consent"


async def test_merged_ids_are_one_who_said_one_thing_last(
    client: httpx.AsyncClient, clock: Any
) -> None:
    address = {"email": "jane@b.org", "attributes": {"push_token": "t-1"}}
    await client.post("/v1/customers", json={"customer_id": "old", **address})
    await client.post("/v1/customers", json={"customer_id": "new", "name": "Jane Roe"})
    await consent(client, "old", "granted")
    merge = (await client.post("/v1/customers/old/merge", json={"into": "new"})).json()

    for each in await look_up(client, "new", "old", "new"):
        assert (each["address"], each["name"], each["reason"]) == ("jane@b.org", "Jane Roe", None)
    assert [each["customer_id"] for each in await look_up(client, "old", "new")] == ["old", "new"]

    clock.turn(minutes=1)
    await consent(client, "new", "withdrawn")
    assert {each["reason"] for each in await look_up(client, "new", "old")} == {"no_consent"}

    await client.post(f"/v1/merges/{merge['merge_id']}/undo")
    apart = await look_up(client, "new", "old")
    assert [(each["address"], each["reason"]) for each in apart] == [
        (None, "no_address"),
        ("jane@b.org", None),
    ]


async def test_an_idempotency_key_brings_no_permission_of_yesterday(
    client: httpx.AsyncClient,
) -> None:
    await client.post("/v1/customers", json={"customer_id": "c-1", "email": "a@b.org"})
    await consent(client, "c-1", "granted")
    client.headers["Idempotency-Key"] = "k"
    assert (await look_up(client, "c-1"))[0]["address"] == "a@b.org"
    del client.headers["Idempotency-Key"]
    await consent(client, "c-1", "withdrawn")
    client.headers["Idempotency-Key"] = "k"
    assert (await look_up(client, "c-1"))[0]["address"] is None


async def test_attributes_that_are_no_texts_are_no_address(client: httpx.AsyncClient) -> None:
    attributes = {"push_token": {"a": 1}, "address": ["Kade 1"]}
    await client.post(
        "/v1/customers",
        json={"customer_id": "c-1", "name": "J", "postcode": "1011", "attributes": attributes},
    )
    for channel in ("push", "post"):
        await consent(client, "c-1", "granted", channel)
        assert (await look_up(client, "c-1", channel=channel))[0]["reason"] == "no_address"


async def test_five_hundred_at_most(client: httpx.AsyncClient) -> None:
    ids = [f"c-{number}" for number in range(500)]
    assert len(await look_up(client, *ids)) == 500
    for wrong in ([], [*ids, "c-500"], ["no id!"]):
        body = {"customer_ids": wrong, "channel": "email", "purpose": "marketing"}
        assert (await client.post("/v1/contacts:lookup", json=body)).status_code == 422
