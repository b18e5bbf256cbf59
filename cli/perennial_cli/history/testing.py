"""Testing support: one small real HTTP server that answers as the five services do."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from perennial_cli.history.platform import Platform
from perennial_cli.history.shop import Body, Item, Kind, totals_of

KEY = "key-of-this-test"
FRESH = {"freshness": {"applied_at": "2026-11-22T12:00:00Z", "lag_ms": 7}}

Answer = tuple[int, dict[str, str], str]
"""Status, headers and body."""


NAMES = {
    "products": "sku",
    "customers": "customer_id",
    "orders": "order_id",
    "complaints": "complaint_id",
    "reviews": "review_id",
}
"""What can be imported, and by which id it is known."""


@dataclass
class FakePlatform:
    """What the five services hold, in one process.

    `failures` maps a path to the answers (status, headers) to give first, `refused_ids` names items
    to refuse; `arrived` has the ids of imports and clicks in the order of their arrival.
    """

    things: dict[str, dict[str, Body]] = field(
        default_factory=lambda: {thing: {} for thing in NAMES}
    )
    clicks: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)
    refused_ids: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    arrived: list[str] = field(default_factory=list)
    sent_at: list[datetime] = field(default_factory=list)
    batch_sizes: list[int] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        path = urlsplit(target).path
        with self.lock:
            self.calls.append(f"{method} {path}")
            if headers.get("authorization") != f"Bearer {KEY}":
                return 401, {}, json.dumps({"title": "Unauthorized", "detail": "unknown key"})
            if self.failures.get(path):
                status, extra = self.failures[path].pop(0)
                return status, extra, json.dumps({"detail": "not now"})
            return self.read(path) if method == "GET" else self.write(path, body)

    def write(self, path: str, body: bytes) -> Answer:
        if path.endswith(":import"):
            return (
                200,
                {},
                self.import_lines(path.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0], body),
            )
        if path == "/v1/batch":
            return 200, {}, self.take_batch(json.loads(body))
        if path == "/v1/track":
            return 200, {"perennial-event": "0"}, '{"success": true}'
        return 404, {}, "{}"

    def import_lines(self, thing: str, body: bytes) -> str:
        held, count = self.things[thing], Counter[str]()
        answers: list[str] = []
        name = NAMES[thing]
        for number, line in enumerate(body.splitlines(), start=1):
            fact = json.loads(line)
            known = held.get(fact[name])
            if fact[name] in self.refused_ids:
                errors = [{"pointer": f"/{name}", "detail": "not wanted here"}]
                answers.append(json.dumps({"line": number, "id": fact[name], "errors": errors}))
                count["refused"] += 1
            else:
                count["unchanged" if known == fact else "created"] += 1
                held[fact[name]] = fact
                self.arrived.append(fact[name])
        totals = {word: count[word] for word in ("created", "unchanged", "refused")}
        return "\n".join([*answers, json.dumps(totals)]) + "\n"

    def take_batch(self, body: dict[str, Any]) -> str:
        self.sent_at.append(datetime.fromisoformat(body["sentAt"]))
        self.batch_sizes.append(len(body["batch"]))
        refused = []
        for index, item in enumerate(body["batch"]):
            if item["messageId"] in self.refused_ids:
                refused.append({"index": index, "errors": [{"pointer": "/event", "detail": "no"}]})
            else:
                self.clicks[item["messageId"]] = item
                self.arrived.append(item["messageId"])
        return json.dumps({"accepted": len(body["batch"]) - len(refused), "refused": refused})

    def read(self, path: str) -> Answer:
        found = self.resource(path)
        return (200, {}, json.dumps(found)) if found is not None else (404, {}, "{}")

    def resource(self, path: str) -> Body | None:
        stages = [{"stage": "active", "customers": len(self.things["customers"])}]
        whole: dict[str, Body] = {
            "/v1/stages": {"data": stages} | FRESH,
            "/v1/value-segments": {"data": []},
            "/v1/value-tiers": {"data": []},
            "/v1/value-model": {"status": "none"},
            "/v1/totals": self.totals(),
            "/v1/recommendations": {
                "data": [{"sku": "sim-mister", "score": 0.5, "because": ["sim-fern"]}]
            },
            "/v1/operations/lag": {
                "group": "any", "behind": 0, "waiting_ms": 0, "partitions": [],
            },
        }  # fmt: skip
        if path in whole:
            return whole[path]
        customer, _, part = path.removeprefix("/v1/customers/").partition("/")
        parts: dict[str, Callable[[str], Body | None]] = {
            "state": self.state,
            "timeline": self.timeline,
            "": self.things["customers"].get,
        }
        return parts[part](customer)

    def totals(self) -> Body:
        bodies = self.things["orders"].values()
        now = datetime.now(UTC)
        totals = totals_of([Item(Kind.ORDER, now, "", "", body) for body in bodies])
        return asdict(totals) | {"net": totals.net}

    def timeline(self, customer: str) -> Body:
        data = {"order_id": f"{customer}-o1", "due": {"amount": 4200, "currency": "EUR"}}
        kind = "perennial.orders.order_placed.v1"
        return {"data": [{"at": "2026-11-20T08:00:00Z", "type": kind, "id": "1", "data": data}]}

    def state(self, customer: str) -> Body:
        mine = [c for c in self.clicks.values() if c["anonymousId"].startswith(customer)]
        total = sum(click["type"] != "identify" for click in mine)
        orders = {"count": 3, "gross": {"amount": 123456, "currency": "EUR"}}
        return {"stage": "active", "orders": orders, "clicks": {"total": total}} | FRESH


@contextmanager
def serve(fake: FakePlatform) -> Iterator[Platform]:
    """The fake behind one address on the loopback, in a thread of its own."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        try:
            yield Platform(address, address, address, address, address, key=KEY)
        finally:
            server.shutdown()
            thread.join()


def _handler(fake: FakePlatform) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer: head and body apart would wait for each other's acknowledgement.
        wbufsize = -1

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, extra, text = fake.answer(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in (extra | {"content-length": str(len(text.encode()))}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST = respond  # noqa: N815 - the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing: what a test wants to know is in the fake."""

    return Handler
