"""Cases follow merges, and whoever complains under another of their ids joins what is open."""

from datetime import datetime
from typing import Any

import httpx

from perennial_events import Event, Received, seal
from perennial_events.catalogue import CustomersMerged, MergeUndone
from perennial_http import ServiceApp
from support_service.handlers import SUBSCRIPTIONS

MERGE: Any = {"merge_id": "m-1", "customer_id": "a", "into_id": "b"}


async def tell(app: ServiceApp, event: Event, at: datetime) -> None:
    async with app.runtime.database.transaction() as session:
        await SUBSCRIPTIONS.apply(session, [Received(event, seal(event, source="/t", time=at))])


async def complain(client: httpx.AsyncClient, complaint_id: str, customer_id: str) -> Any:
    answer = await client.post(
        "/v1/complaints",
        json={
            "complaint_id": complaint_id,
            "customer_id": customer_id,
            "order_id": "o-1",
            "text": "My parcel is late.",
            "channel": "email",
        },
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


async def cases(client: httpx.AsyncClient, customer_id: str) -> set[tuple[str, str]]:
    answer = await client.get("/v1/cases", params={"customer_id": customer_id})
    return {(each["case_id"], each["customer_id"]) for each in answer.json()["data"]}


async def test_cases_move_with_a_merge_and_back(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any, published: Any
) -> None:
    first = await complain(client, "k-1", "a")
    before = await client.get(f"/v1/cases/{first['case_id']}")
    await tell(app, CustomersMerged(**MERGE), clock())
    merged = await client.get(f"/v1/cases/{first['case_id']}")
    assert merged.headers["ETag"] != before.headers["ETag"]
    assert merged.json()["messages"][0]["author"] == "b"

    second = await complain(client, "k-2", "b")

    assert (second["case_id"], second["joined"]) == (first["case_id"], True)
    assert (second["customer_id"], second["case"]["customer_id"]) == ("b", "b")
    assert await cases(client, "a") == await cases(client, "b") == {(first["case_id"], "b")}
    events = await published(app.runtime.database)
    # Each complaint is told of whom it named: undoing the merge finds them where they belong.
    assert [event.key for event in events] == ["a", "b"]

    await tell(app, MergeUndone(**MERGE), clock())

    assert await cases(client, "a") == {(first["case_id"], "a")}
    assert await cases(client, "b") == set()
    complaint = (await client.get("/v1/complaints/k-2")).json()
    assert (complaint["customer_id"], complaint["case"]["customer_id"]) == ("b", "a")


async def test_a_resolved_case_stays_so_while_another_identity_has_one_open(
    client: httpx.AsyncClient, app: ServiceApp, clock: Any
) -> None:
    first = await complain(client, "k-1", "a")
    await client.post(f"/v1/cases/{first['case_id']}/resolve")
    second = await complain(client, "k-2", "b")
    await tell(app, CustomersMerged(**MERGE), clock())
    path = f"/v1/cases/{first['case_id']}/reopen"
    refused = await client.post(path, json={"reason": "again"})
    assert (refused.status_code, refused.json()["open_case_id"]) == (409, second["case_id"])
    await tell(app, MergeUndone(**MERGE), clock())
    assert (await client.post(path, json={"reason": "again"})).status_code == 200
