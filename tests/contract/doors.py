"""A service's door, as its OpenAPI describes it, and the smallest request that each operation takes."""

import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from perennial_cli.services import SERVICES
from perennial_events.schemas import Schema, resolve
from perennial_events.values import ID_PATTERN
from perennial_http import ServiceApp
from perennial_http.testing import ADMIN_KEY_SHA256

Json = Any
Place = tuple[str | int, ...]

WRITES = {"post", "put", "patch", "delete"}
READS_BY_POST = {"/v1/contacts:lookup", "/v1/customers/{customer_id}/export"}
"""Questions too long for a query, or whose answer must not be kept for a retry."""
UNKNOWN_ID = "no-such-id"
SECRET_KEY = "contract".ljust(43, "A") + "="
NOWHERE = "postgresql+asyncpg://nobody@localhost:1/nowhere"


def create(service: str, database_url: str = NOWHERE, log: str = NOWHERE) -> ServiceApp:
    """The service's application; without addresses it only describes itself."""
    settings = importlib.import_module(f"{service}_service.settings").Settings(
        service=service,
        database_url=database_url,
        log=log,
        admin_key_sha256=ADMIN_KEY_SHA256,
        secret_key=SECRET_KEY,
    )
    made: ServiceApp = importlib.import_module(f"{service}_service.app").create(settings)
    return made


@dataclass(frozen=True)
class Operation:
    """One method on one path."""

    service: str
    method: str
    path: str
    described: Schema
    document: Schema

    def __str__(self) -> str:
        return f"{self.service} {self.method.upper()} {self.path}"

    @property
    def writes(self) -> bool:
        return self.method in WRITES and self.path not in READS_BY_POST

    @property
    def streams(self) -> bool:
        """An import: its lines are refused one by one, in an answer that has begun."""
        return self.path.endswith(":import")

    @property
    def tracks(self) -> bool:
        """One of Segment's: unknown fields are theirs, and a batch refuses its items one by one."""
        return "tracking" in self.described.get("tags", ())

    @property
    def signed(self) -> bool:
        """A partner's door: the sender's signature is its key, and its own id makes it count once."""
        return self.path == "/v1/partners/{partner}/events"

    @property
    def scopes(self) -> list[str]:
        return [
            scope
            for requirement in self.described.get("security", ())
            for scopes in requirement.values()
            for scope in scopes
        ]

    @cached_property
    def body(self) -> Schema | None:
        """The schema of the JSON body, where it takes one."""
        content = self.described.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        return None if schema is None else self.resolved(schema)

    @property
    def smallest_body(self) -> Json:
        """A valid body with no more in it than has to be."""
        return None if self.body is None else self.smallest(self.body)

    def parameters(self, where: str) -> dict[str, Schema]:
        return {
            each["name"]: each["schema"]
            for each in self.described.get("parameters", ())
            if each["in"] == where
        }

    def target(self, id: str = UNKNOWN_ID) -> str:
        """The path, with `id` for its parameters; the unknown id stands only where an id may."""

        def value(match: re.Match[str]) -> str:
            schema = self.resolved(self.parameters("path")[match[1]])
            is_id = schema.get("pattern") == ID_PATTERN
            chosen = is_id or (id != UNKNOWN_ID and "enum" not in schema)
            return id if chosen else str(self.smallest(schema))

        return re.sub(r"\{(\w+)\}", value, self.path)

    def answer_schema(self, status: str) -> Schema:
        content = self.described["responses"].get(status, {}).get("content", {})
        return self.resolved(content.get("application/json", {}).get("schema", {}))

    @property
    def lists(self) -> bool:
        return self.method == "get" and "next_cursor" in self.answer_schema("200").get(
            "properties", {}
        )

    def resolved(self, schema: Schema) -> Schema:
        """`schema` without its reference, and as its first alternative that is not null."""
        found = resolve(schema, self.document)
        choices = [
            each
            for key in ("anyOf", "oneOf")
            for each in found.get(key, ())
            if each.get("type") != "null"
        ]
        return self.resolved(choices[0]) if choices else found

    def smallest(self, schema: Schema, name: str = "") -> Json:
        node = self.resolved(schema)
        if "const" in node or "enum" in node:
            return node.get("const", node.get("enum", [None])[0])
        match node.get("type"):
            case "object":
                required = node.get("required", ())
                filled = {each: self.smallest(node["properties"][each], each) for each in required}
                if len(filled) < node.get("minProperties", 0):
                    (entry,) = node["patternProperties"].items()
                    filled[_text({"pattern": entry[0]}, "")] = self.smallest(entry[1])
                return filled
            case "array":
                return [self.smallest(node["items"], name)] * node.get("minItems", 0)
            case "integer" | "number":
                return max(int(node.get("minimum", 1)), 1)
            case "boolean":
                return True
        return _text(node, name)

    def fields(self, schema: Schema, place: Place = ()) -> Iterator[tuple[Place, Schema]]:
        """Every field of the body with its place: optional ones, those of inner objects and of items."""
        node = self.resolved(schema)
        for name, field in node.get("properties", {}).items():
            yield (*place, name), field
            yield from self.fields(field, (*place, name))
        if node.get("type") == "array" and "items" in node:
            yield from self.fields(node["items"], (*place, 0))

    def body_with(self, place: Place, value: Json) -> Json:
        """The smallest body, with `value` at `place`; what lies on the way there is made."""
        body = self.smallest_body
        node, schema = body, self.body or {}
        for step in place[:-1]:
            schema = self._inner(schema, step)
            if isinstance(step, int):
                node[:] = node or [self.smallest(schema)]
            elif node.get(step) is None:
                node[step] = self.smallest(schema)
            node = node[step]
        node[place[-1]] = value
        return body

    def _inner(self, schema: Schema, step: str | int) -> Schema:
        node = self.resolved(schema)
        inner: Schema = node["items"] if isinstance(step, int) else node["properties"][step]
        return inner

    def types(self, schema: Schema) -> set[str]:
        """The JSON types that it takes; all of them where it says nothing."""
        node = resolve(schema, self.document)
        if "anyOf" in node:
            return set().union(*(self.types(each) for each in node["anyOf"]))
        if "type" in node:
            return {node["type"]}
        return {"string"} if "enum" in node or "const" in node else set(SAMPLES)


SAMPLES: dict[str, Json] = {
    "null": None,
    "boolean": True,
    "integer": 7,
    "number": 7.5,
    "string": "words",
    "array": [[]],
    "object": {"unheard": {}},
}
"""A value of each type."""

_TEXTS = ("USD", "x-1", "x", "orders:read", "1")


def _text(node: Schema, name: str) -> str:
    match node.get("format"):
        case "date-time":
            return "2026-03-02T12:00:00Z"
        case "date":
            return "2026-03-02"
    if name == "email":
        return "somebody@example.org"
    if name == "url":
        return "https://partner.example.org/webhooks"
    pattern = node.get("pattern", "")
    return next(each for each in _TEXTS if re.search(pattern, each))


def operations_of(service: str, document: Schema) -> list[Operation]:
    return [
        Operation(service, method, path, described, document)
        for path, methods in document["paths"].items()
        for method, described in methods.items()
    ]


OPERATIONS = [
    operation
    for service in SERVICES
    for operation in operations_of(service, create(service).openapi())
]
