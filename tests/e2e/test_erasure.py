"""Somebody whom every service was told of in unmistakable words is erased: no word of it is left anywhere."""

import json
import random
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg

from perennial_events import open_log
from perennial_events.catalogue import TOPICS
from perennial_events.driver import connect_arguments
from tests.e2e.platform import RunningPlatform
from tests.e2e.shop import Answer, Json, Shop, eventually, order_of

NDJSON = {"content-type": "application/x-ndjson"}
SERVICES = {"profile", "orders", "engagement", "support", "recommend"}


class Person:
    """A customer, and every word about them that must go."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.mark = f"qzx{uuid4().hex[:10]}"
        self.id = f"c-{uuid4().hex[:12]}"
        digits = random.Random(self.mark)
        self.phone = f"+3161{digits.randrange(10**7):07}"
        self.postcode = f"{digits.randrange(1000, 9999)} QZ"
        self.email = f"{self.mark}@example.org"
        self.order = ""
        self.case = ""
        self.returned = ""

    @property
    def words(self) -> list[str]:
        return [self.mark, self.mark.upper(), self.phone[1:], self.postcode]

    def prose(self, what: str) -> str:
        return f"{what}: I am {self.mark}, {self.email}, call {self.phone}, come to {self.postcode}"

    async def write(self, service: str, method: str, path: str, body: Any = None) -> Answer:
        """A write that must succeed, with a key, so that its answer is kept."""
        answer = await self.shop.ask(
            service, method, path, json=body, headers={"Idempotency-Key": uuid4().hex}
        )
        assert answer.status < 400, f"{path}: {answer.status} {answer.body}"
        return answer

    async def bring(self, service: str, path: str, line: Json) -> str:
        """Import one line; answers with what was said of it."""
        client = self.shop._clients[service]
        answer = await client.post(path, content=json.dumps(line), headers=NDJSON)
        return answer.text

    async def live(self) -> None:
        await self._register()
        await self._order()
        await self._browse()
        await self._complain()

    async def _register(self) -> None:
        known: Json = {
            "email": self.email,
            "phone": self.phone,
            "name": f"Jane {self.mark}",
            "country": "NL",
            "postcode": self.postcode,
            "birth_date": "1971-02-03",
            "attributes": {"pet": self.mark, "deep": {"er": [self.prose("attribute")]}},
        }
        await self.write("profile", "POST", "/v1/customers", {"customer_id": self.id, **known})
        await self.write("profile", "PATCH", f"/v1/customers/{self.id}", known)
        await self.bring("profile", "/v1/customers:import", {"customer_id": self.id, **known})
        for status, proof in (("granted", self.prose("proof")), ("withdrawn", {"ip": self.mark})):
            path = f"/v1/customers/{self.id}/consents/email/marketing"
            said = {"status": status, "source": "checkout", "proof": proof}
            await self.write("profile", "PUT", path, said)

    async def _order(self) -> None:
        placed = await self.write("orders", "POST", "/v1/orders", order_of(self.id, ("mug", 2, 9)))
        self.order = placed.body["order_id"]
        await self.write("orders", "POST", f"/v1/orders/{self.order}/pay")
        now = datetime.now(UTC)
        parcel = {
            "carrier": "DHL",
            "tracking_number": self.mark,
            "promised_at": (now + timedelta(days=1)).isoformat(),
        }
        path = f"/v1/orders/{self.order}/shipments"
        shipped = await self.write("orders", "POST", path, parcel)
        seen = {
            "at": now.isoformat(),
            "status": "delivered",
            "location": {"lat": 52.1, "lon": 4.9, "name": self.prose("at the door of")},
        }
        path = f"/v1/shipments/{shipped.body['shipment_id']}/scans"
        await self.write("orders", "POST", path, seen)
        back = {"kind": "refund", "lines": [{"sku": "mug", "quantity": 1}]}
        path = f"/v1/orders/{self.order}/returns"
        returned = await self.write("orders", "POST", path, {**back, "reason": self.prose("broke")})
        self.returned = returned.body["return_id"]
        await self.write("orders", "POST", f"/v1/returns/{self.returned}/receive")
        past = order_of(
            self.id,
            ("mug", 1, 9),
            order_id=f"past-{self.mark[3:]}",
            placed_at="2026-01-01T00:00:00Z",
            paid_at="2026-01-01T00:00:00Z",
            shipments=[
                {
                    "carrier": "DHL",
                    "tracking_number": self.mark,
                    "promised_at": "2026-01-03T00:00:00Z",
                    "shipped_at": "2026-01-02T00:00:00Z",
                    "delivered_at": "2026-01-03T00:00:00Z",
                }
            ],
            returns=[
                {
                    "kind": "refund",
                    "lines": back["lines"],
                    "reason": self.prose("too large"),
                    "requested_at": "2026-01-04T00:00:00Z",
                }
            ],
        )
        assert '"created":1' in await self.bring("orders", "/v1/orders:import", past)

    async def _browse(self) -> None:
        who = {"userId": self.id, "anonymousId": f"v-{uuid4().hex[:8]}"}
        traits = {"email": self.email, "phone": self.phone, "name": self.mark, "city": self.mark}
        context = {"ip": "192.0.2.1", "traits": traits, "page": {"title": self.prose("page")}}
        properties = {
            "email": self.email,
            "name": self.mark,
            "comment": self.prose("comment"),
            "delivery": self.prose("a sentence under a name that says nothing"),
            "telephone": self.phone,
            "number": int(self.phone[1:]),
            "url": f"https://shop.example/?mail={self.email}#{self.mark}",
            "search": f"?q={self.mark}",
            "query": self.mark,
            "nested": {"name": self.mark},
        }
        calls: list[Json] = [
            {"type": "identify", "traits": traits},
            {"type": "track", "event": "Product Viewed", "properties": properties},
            {"type": "page", "name": self.prose("home"), "properties": properties},
            {"type": "screen", "name": "Home", "properties": properties},
            {"type": "group", "groupId": "g-1", "traits": traits},
            {"type": "alias", "previousId": who["anonymousId"]},
        ]
        for call in calls:
            call |= {**who, "context": context, "messageId": f"{self.mark}-{uuid4().hex}"}
            await self.shop.post("engagement", f"/v1/{call['type']}", call)
        await self.shop.post("engagement", "/v1/batch", {"batch": calls})
        # What is refused must not be kept either.
        refused = await self.shop.ask(
            "engagement", "POST", "/v1/track", json={"userId": self.email, "event": "Seen"}
        )
        assert refused.status == 422
        await self.shop.ask("profile", "GET", "/v1/customers", params={"email": self.email})

    async def _complain(self) -> None:
        opened = await self.write(
            "support",
            "POST",
            "/v1/complaints",
            {
                "customer_id": self.id,
                "order_id": self.order,
                "text": self.prose("My parcel came late and is broken, and nobody answers"),
                "channel": "email",
            },
        )
        self.case = opened.body["case_id"]
        for verb, body in (
            ("reply", {"text": self.prose("Dear Jane")}),
            ("note", {"text": self.prose("she called")}),
            ("escalate", {"reason": self.prose("she is angry")}),
            ("resolve", {"resolution": self.prose("sent flowers")}),
            ("reopen", {"reason": self.prose("flowers withered")}),
        ):
            await self.write("support", "POST", f"/v1/cases/{self.case}/{verb}", body)
        past = {
            "complaint_id": f"p-{self.mark[3:]}",
            "customer_id": self.id,
            "text": self.prose("rude staff"),
            "channel": "phone",
            "opened_at": "2026-01-05T00:00:00Z",
        }
        assert '"created":1' in await self.bring("support", "/v1/complaints:import", past)

    async def erase(self) -> str:
        answer = await self.write("profile", "DELETE", f"/v1/customers/{self.id}")
        assert answer.status == 202
        return str(answer.body["erasure_id"])

    async def erased(self, erasure_id: str) -> Json | None:
        """The erasure, once it is done."""
        found: Json = await self.shop.get("profile", f"/v1/erasures/{erasure_id}")
        return found if found["status"] == "done" else None


def traces(text: str, words: list[str]) -> Iterator[str]:
    """The words that stand in a text, plainly or as the hexadecimal digits of their bytes."""
    for word in words:
        if word in text or word.encode().hex() in text:
            yield word


async def found_anywhere(platform: RunningPlatform, words: list[str]) -> list[str]:
    """Where the words stand: in any table of any database, in the event log, in any log file."""
    found = []
    for name, url in platform.addresses.items():
        if name == "log" and platform.log == "kafka":
            continue
        async for table, row in rows_of(url):
            found += [f"{name}.{table}: {word} in {row[:200]}" for word in traces(row, words)]
    async for event in events(platform.addresses["log"]):
        found += [f"event: {word} in {event}" for word in traces(event, words)]
    files = [each for each in platform.home.rglob("*.log") if each.is_file()]
    for file in (*files, platform.terminal):
        said = file.read_text(errors="replace")
        found += [f"{file.name}: {word}" for word in traces(said, words)]
    return found


async def rows_of(url: str) -> AsyncIterator[tuple[str, str]]:
    connection = await asyncpg.connect(**connect_arguments(url))
    try:
        for (table,) in await connection.fetch(
            "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ):
            for (row,) in await connection.fetch(f"SELECT CAST(t AS text) FROM {table} AS t"):
                yield table, row
    finally:
        await connection.close()


async def events(address: str) -> AsyncIterator[str]:
    log = open_log(address)
    try:
        positions = await log.starts(TOPICS)
        while batch := {
            p: found for p, found in (await log.read(positions, 1_000)).items() if found
        }:
            for partition, records in batch.items():
                positions[partition] = records[-1].offset + 1
                for record in records:
                    yield repr(record.envelope)
    finally:
        await log.close()


async def test_no_word_of_them_is_left_anywhere(platform: RunningPlatform, shop: Shop) -> None:
    person = Person(shop)
    await person.live()
    before = await found_anywhere(platform, person.words)
    places = {place.partition(":")[0] for place in before}
    assert places >= {
        *("profile.public.customers", "profile.public.consents", "profile.public.idempotency"),
        *("orders.public.returns", "orders.public.scans", "orders.public.shipments"),
        *("support.public.complaints", "support.public.messages", "orders.public.idempotency"),
    }, places
    exported = await everything_told(person)
    assert {service for service, count in exported["records"].items() if count} >= {
        *("profile", "orders", "support", "recommend", "engagement")
    } - {"engagement"}
    assert exported["complete"], exported

    erasure_id = await person.erase()
    erasure = await eventually(lambda: person.erased(erasure_id))

    assert {each["service"] for each in erasure["services"] if each["done_at"]} == SERVICES
    assert await found_anywhere(platform, person.words) == []
    await nothing_new_is_taken(person)
    assert await found_anywhere(platform, person.words) == []


async def everything_told(person: Person) -> Json:
    """Export them; every service's records name what it was told. Answers with the last line."""
    client = person.shop._clients["profile"]
    answer = await client.post(f"/v1/customers/{person.id}/export")
    *records, last = [json.loads(line) for line in answer.content.splitlines()]
    telling = {each["service"] for each in records if person.mark in str(each["data"])}
    assert telling == {"profile", "orders", "support"}
    return dict(last)


async def nothing_new_is_taken(person: Person) -> None:
    """Whoever names them hears that they are gone; what stands of the trade can still be gone about."""
    refused = [
        ("profile", "GET", f"/v1/customers/{person.id}", None),
        ("profile", "PATCH", f"/v1/customers/{person.id}", {"name": person.mark}),
        ("orders", "POST", "/v1/orders", order_of(person.id, ("mug", 1, 9))),
        (
            "support",
            "POST",
            "/v1/complaints",
            {"customer_id": person.id, "text": person.mark, "channel": "email"},
        ),
        ("support", "POST", f"/v1/cases/{person.case}/reply", {"text": person.mark}),
        ("support", "POST", f"/v1/cases/{person.case}/note", {"text": person.mark}),
    ]
    for service, method, path, body in refused:
        headers = {} if method == "GET" else {"Idempotency-Key": uuid4().hex}
        answer = await person.shop.ask(service, method, path, json=body, headers=headers)
        assert answer.status == 410, f"{path}: {answer.status} {answer.body}"
        assert "was erased" in answer.body["detail"]
    past = order_of(
        person.id, ("mug", 1, 9), order_id=uuid4().hex, placed_at="2026-01-01T00:00:00Z"
    )
    said = await person.bring("orders", "/v1/orders:import", past)
    assert '"created":0' in said
    assert '"refused":1' in said
    assert "was erased" in said
    await person.write("orders", "POST", f"/v1/returns/{person.returned}/refund")
    order = await person.shop.get("orders", f"/v1/orders/{person.order}")
    assert order["totals"]["refunded"]["amount"] == 9
    await person.write("support", "POST", f"/v1/cases/{person.case}/resolve")


async def test_a_service_that_is_down_erases_when_it_is_back(
    platform: RunningPlatform, shop: Shop
) -> None:
    person = Person(shop)
    await person.live()
    killed = {name: platform.kill(name) for name in ("support", "orders")}
    erasure_id = await person.erase()
    platform.kill("profile")
    for name, pid in killed.items():
        platform.wait_back(name, pid)
    platform.wait_ready()
    await eventually(lambda: person.erased(erasure_id), within=30)
    assert await found_anywhere(platform, person.words) == []
