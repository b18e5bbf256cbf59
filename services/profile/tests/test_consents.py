"""Consents: what holds, how it came about, and what is told of it."""

from typing import Any

import httpx
import pytest

from perennial_http import ServiceApp

EMAIL = "/v1/customers/c-1/consents/email/marketing"


@pytest.fixture(autouse=True)
async def customer(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/customers", json={"customer_id": "c-1", "email": "a@b.org"})
    assert answer.status_code == 201


async def say(client: httpx.AsyncClient, status: str, source: str = "checkout", **more: Any) -> Any:
    answer = await client.put(EMAIL, json={"status": status, "source": source, **more})
    assert answer.status_code == 200, answer.text
    return answer


async def test_the_last_word_holds_and_every_word_stays(
    client: httpx.AsyncClient, clock: Any
) -> None:
    await say(client, "granted", proof={"form": "v3", "ip": "192.0.2.1"})
    clock.turn(days=1)
    await say(client, "withdrawn", "preference_centre", proof="by telephone")
    clock.turn(days=1)
    await client.put(
        "/v1/customers/c-1/consents/sms/service", json={"status": "granted", "source": "checkout"}
    )

    current = (await client.get("/v1/customers/c-1/consents")).json()["data"]
    history = (await client.get("/v1/customers/c-1/consents/history?channel=email")).json()

    assert [(c["channel"], c["purpose"], c["status"]) for c in current] == [
        ("email", "marketing", "withdrawn"),
        ("sms", "service", "granted"),
    ]
    assert [(each["status"], each["proof"]) for each in history["data"]] == [
        ("withdrawn", "by telephone"),
        ("granted", {"form": "v3", "ip": "192.0.2.1"}),
    ]


async def test_history_is_read_page_by_page(client: httpx.AsyncClient) -> None:
    for number in range(5):
        await say(client, "withdrawn" if number % 2 else "granted", f"form-{number}")
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = (await client.get("/v1/customers/c-1/consents/history", params=query)).json()
        seen += [each["source"] for each in page["data"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [f"form-{number}" for number in (4, 3, 2, 1, 0)]


async def test_only_a_change_of_mind_is_told_and_without_its_proof(
    client: httpx.AsyncClient, app: ServiceApp, published: Any
) -> None:
    first = await say(client, "granted", proof="Jane Roe, from 192.0.2.1")
    again = await say(client, "granted", proof="Jane Roe, from 192.0.2.1")
    elsewhere = await say(client, "granted", "newsletter")
    back = await say(client, "withdrawn", "newsletter")

    assert "Perennial-Event" in first.headers
    assert "Perennial-Event" not in again.headers
    assert again.headers["ETag"] == first.headers["ETag"]
    assert "Perennial-Event" not in elsewhere.headers
    assert "Perennial-Event" in back.headers
    timeline = await told(client, back.headers["Perennial-Event"])
    assert [entry["data"]["status"] for entry in timeline] == ["withdrawn", "granted"]
    assert timeline[0]["data"]["previous"] == "granted"
    assert "Jane" not in str(timeline)


async def told(client: httpx.AsyncClient, event: str) -> list[Any]:
    answer = await client.get(
        "/v1/customers/c-1/timeline", headers={"Perennial-After": event}, params={"limit": 10}
    )
    assert answer.status_code == 200, answer.text
    return [each for each in answer.json()["data"] if "consent_changed" in each["type"]]


async def test_a_stale_writer_is_told(client: httpx.AsyncClient) -> None:
    first = (await say(client, "granted")).headers["ETag"]
    await say(client, "withdrawn")
    stale = await client.put(
        EMAIL, json={"status": "granted", "source": "app"}, headers={"If-Match": first}
    )
    assert stale.status_code == 412


async def test_merged_ids_share_their_word_until_the_merge_is_undone(
    client: httpx.AsyncClient, clock: Any
) -> None:
    await client.post("/v1/customers", json={"customer_id": "c-2"})
    other = "/v1/customers/c-2/consents/email/marketing"
    await say(client, "granted")
    clock.turn(minutes=1)
    await client.put(other, json={"status": "withdrawn", "source": "letter"})
    merge = (await client.post("/v1/customers/c-2/merge", json={"into": "c-1"})).json()

    for path in (EMAIL, other):
        assert (await client.get(path)).json()["status"] == "withdrawn"
    for id in ("c-1", "c-2"):
        (only,) = (await client.get(f"/v1/customers/{id}/consents")).json()["data"]
        assert (only["status"], only["customer_id"]) == ("withdrawn", "c-2")
        history = (await client.get(f"/v1/customers/{id}/consents/history")).json()["data"]
        assert [each["source"] for each in history] == ["letter", "checkout"]

    clock.turn(minutes=1)
    before = (await client.get(EMAIL)).headers["ETag"]
    again = await client.put(
        other, json={"status": "granted", "source": "app"}, headers={"If-Match": before}
    )
    assert again.status_code == 200, again.text
    assert (await client.get(EMAIL)).headers["ETag"] == again.headers["ETag"] != before
    assert (await client.get(EMAIL)).json()["status"] == "granted"
    stale = await say_if(client, before)
    assert stale.status_code == 412

    await client.post(f"/v1/merges/{merge['merge_id']}/undo")
    assert (await client.get(EMAIL)).json()["source"] == "checkout"
    assert (await client.get(other)).json()["source"] == "app"


async def say_if(client: httpx.AsyncClient, tag: str) -> httpx.Response:
    said = {"status": "withdrawn", "source": "letter"}
    return await client.put(EMAIL, json=said, headers={"If-Match": tag})


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/v1/customers/nobody/consents/email/marketing", {}, 404),
        ("/v1/customers/c-1/consents/pigeon/marketing", {}, 422),
        ("/v1/customers/c-1/consents/email/fun", {}, 422),
        (EMAIL, {"status": "perhaps"}, 422),
        (EMAIL, {"source": "Jane said so!\n"}, 422),
        (EMAIL, {"proof": 7}, 422),
    ],
)
async def test_what_is_refused(
    client: httpx.AsyncClient, path: str, body: dict[str, Any], status: int
) -> None:
    answer = await client.put(path, json={"status": "granted", "source": "checkout", **body})
    assert answer.status_code == status, answer.text
