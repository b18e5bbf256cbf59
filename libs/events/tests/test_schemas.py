"""Events as contracts: their committed schemas, the rules of change, and no personal data in any."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import TypeAdapter

from perennial_events import Event, asyncapi
from perennial_events.catalogue import TOPICS
from perennial_events.schemas import (
    Schema,
    catalogue_types,
    example,
    incompatibilities,
    resolve,
    schema_of,
)
from perennial_events.values import CatalogueText, Code, Currency, Id

COMMITTED = Path(__file__).parents[1] / "schemas"
TYPES = catalogue_types()

each_type = pytest.mark.parametrize("event", TYPES, ids=[each.type for each in TYPES])


def committed(event: type[Event]) -> Schema:
    return dict(json.loads((COMMITTED / f"{event.type}.json").read_text()))


# Committed schemas


@each_type
def test_the_committed_schema_is_the_models(event: type[Event]) -> None:
    assert committed(event) == schema_of(event), "run `make docs`"


def test_no_schema_is_left_of_a_type_that_is_gone() -> None:
    assert {file.stem for file in COMMITTED.glob("*.json")} == {each.type for each in TYPES}


@each_type
def test_the_example_fits_the_schema_and_reads_as_the_event(event: type[Event]) -> None:
    schema = committed(event)
    jsonschema_rs.meta.validate(schema)
    (message,) = schema["examples"]
    jsonschema_rs.validate(schema, message)

    read = event.model_validate_json(json.dumps(message))

    assert json.loads(read.model_dump_json(exclude_none=True)) == message
    assert read.subject
    assert read.key


@each_type
def test_an_event_with_more_in_it_is_read_by_those_who_know_less(event: type[Event]) -> None:
    message = {**example(schema_of(event)), "added_later": {"by": "a newer producer"}}
    jsonschema_rs.validate(schema_of(event), message)
    event.model_validate_json(json.dumps(message))


def test_fields_are_described_by_their_docstrings() -> None:
    placed = next(each for each in TYPES if each.__name__ == "OrderPlaced")
    described = schema_of(placed)["properties"]["base_cost"]["description"]
    assert described == "What the goods cost the shop, where every line's cost is known."


# Rules of change: what is committed, what it becomes, what is said about it (nothing: it may be)

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 10}
NULL: Schema = {"type": "null"}


def record(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def either(*alternatives: Schema) -> Schema:
    return {"anyOf": list(alternatives)}


ADDITIONS: dict[str, tuple[Schema, Schema]] = {
    "a new optional field": (record(a=TEXT), record(a=TEXT, b=TEXT)),
    "a new event field of any shape": (record(), record(a=record(b=NUMBER))),
    "other words about it": (record(a=TEXT), {**record(a=TEXT), "description": "New words."}),
    "one more value of an enumeration": ({"enum": ["x"]}, {"enum": ["x", "y"]}),
    "a constant that becomes an enumeration": ({"const": "x"}, {"enum": ["x", "y"]}),
    "an enumeration that becomes free": ({**TEXT, "enum": ["x"]}, TEXT),
    "a whole number that may be any": ({"type": "integer"}, {"type": "number"}),
    "a value that may be null": (TEXT, either(TEXT, NULL)),
    "a wider range": (NUMBER, {"type": "integer", "minimum": -1, "maximum": 11}),
    "no limits any more": (NUMBER, {"type": "integer"}),
    "no pattern any more": ({**TEXT, "pattern": "^x$"}, TEXT),
    "a model under another name": (
        {"$defs": {"Line": record(a=TEXT)}, **record(line={"$ref": "#/$defs/Line"})},
        {"$defs": {"Row": record(a=TEXT)}, **record(line={"$ref": "#/$defs/Row"})},
    ),
}

BREAKS: dict[str, tuple[Schema, Schema, str]] = {
    "a field removed": (record(a=TEXT, b=TEXT), record(a=TEXT), "/b: is gone"),
    "a field renamed": (record(a=TEXT), record(b=TEXT), "/a: is gone"),
    "a new required field": (record(), record(("a",), a=TEXT), "/a: is newly required"),
    "an optional field that becomes required": (
        record(a=TEXT),
        record(("a",), a=TEXT),
        "/a: is newly required",
    ),
    "a field that may now be missing": (
        record(("a",), a=TEXT),
        record(a=TEXT),
        "/a: was always there, may now be missing",
    ),
    "another type": (record(a=TEXT), record(a=NUMBER), "/a: was string, is integer"),
    "a narrower type": (
        record(a={"type": "number"}),
        record(a={"type": "integer"}),
        "/a: was number, is integer",
    ),
    "a type where there was none": ({}, TEXT, "/: was of any type, is string"),
    "null no longer": (record(a=either(TEXT, NULL)), record(a=TEXT), "/a: was null, is string"),
    "one of several types no longer": (
        either(TEXT, NUMBER, NULL),
        either(TEXT, NULL),
        "/: was integer, is string",
    ),
    "an enumeration's value removed": (
        {"enum": ["x", "y"]},
        {"enum": ["x"]},
        "no longer takes 'y'",
    ),
    "a free value that becomes an enumeration": (TEXT, {**TEXT, "enum": ["x"]}, "takes only ['x']"),
    "a higher minimum": (NUMBER, {**NUMBER, "minimum": 1}, "/: minimum was 0, is 1"),
    "a lower maximum": (NUMBER, {**NUMBER, "maximum": 9}, "/: maximum was 10, is 9"),
    "a new limit": (TEXT, {**TEXT, "maxLength": 9}, "/: maxLength was None, is 9"),
    "another pattern": (
        {**TEXT, "pattern": "^.$"},
        {**TEXT, "pattern": "^..$"},
        "/: pattern was ^.$, is ^..$",
    ),
    "a new format": (TEXT, {**TEXT, "format": "uuid"}, "/: format was None, is uuid"),
    "a keyword that nobody compares": (TEXT, {**TEXT, "not": TEXT}, "/: not was None"),
    "narrower items": (
        {"type": "array", "items": NUMBER},
        {"type": "array", "items": {**NUMBER, "maximum": 9}},
        "/items: maximum was 10, is 9",
    ),
    "narrower values of a map": (
        {"type": "object", "patternProperties": {"^x": either(TEXT, NUMBER)}},
        {"type": "object", "patternProperties": {"^x": TEXT}},
        "/^x: was integer, is string",
    ),
    "unknown fields refused": (
        record(a=TEXT),
        {**record(a=TEXT), "additionalProperties": False},
        "/additionalProperties: not was None",
    ),
    "a change inside of a model": (
        {"$defs": {"Line": record(a=TEXT, b=TEXT)}, **record(line={"$ref": "#/$defs/Line"})},
        {"$defs": {"Line": record(a=TEXT)}, **record(line={"$ref": "#/$defs/Line"})},
        "/line/b: is gone",
    ),
}


@pytest.mark.parametrize(("old", "new"), ADDITIONS.values(), ids=ADDITIONS)
def test_additions_may_be(old: Schema, new: Schema) -> None:
    assert incompatibilities(old, new) == []


@pytest.mark.parametrize(("old", "new", "said"), BREAKS.values(), ids=BREAKS)
def test_what_leaves_readers_behind_is_told(old: Schema, new: Schema, said: str) -> None:
    (told,) = incompatibilities(old, new)
    assert said in told


# Personal data

PERSONAL = {
    *("name", "surname", "firstname", "lastname", "email", "mail", "phone", "mobile", "telephone"),
    *("address", "street", "city", "postcode", "zip", "birth", "birthday", "birthdate", "gender"),
    *("text", "comment", "note", "body", "remark", "title", "ip", "lat", "lon", "latitude"),
}
SAMPLES_OF_PERSONAL_DATA = ("Jane Doe", "jane@example.org", "12 Main Street", "+49 30 123456")


def pattern_of(constrained: Any) -> str:
    return str(TypeAdapter(constrained).json_schema()["pattern"])


CONSTRAINED = {pattern_of(each) for each in (Id, Code, Currency)}
CATALOGUE_TEXT = pattern_of(CatalogueText)


def strings(node: Schema, root: Schema, name: str = "") -> Iterator[tuple[str, Schema]]:
    """Every string that an event can hold, under the name of its field, names of map entries too."""
    node = resolve(node, root)
    if node.get("type") == "string":
        yield name, node
    inner = [(name, each) for each in node.get("anyOf", ())]
    inner += node.get("properties", {}).items()
    inner += [(name, node[key]) for key in ("items", "additionalProperties") if key in node]
    for pattern, value in node.get("patternProperties", {}).items():
        inner += [(name, {"type": "string", "pattern": pattern}), (name, value)]
    for field, schema in inner:
        yield from strings(schema, root, field)


def is_closed(schema: Schema) -> bool:
    """Whether no prose fits: values from a list, times, or a pattern that people do not fit."""
    if {"enum", "const"} & schema.keys() or schema.get("format") == "date-time":
        return True
    pattern = schema.get("pattern")
    return pattern is not None and (
        pattern in CONSTRAINED
        or not any(re.search(pattern, sample) for sample in SAMPLES_OF_PERSONAL_DATA)
    )


@each_type
def test_no_string_of_an_event_takes_personal_data(event: type[Event]) -> None:
    schema = schema_of(event)
    for name, string in strings(schema, schema):
        about_goods = event.topic == "perennial.catalogue" or name == "category"
        allowed = is_closed(string) or (about_goods and string.get("pattern") == CATALOGUE_TEXT)
        assert allowed, f"{event.type}: {name} takes free text"


@each_type
def test_no_field_of_an_event_is_named_like_personal_data(event: type[Event]) -> None:
    schema = schema_of(event)
    # A product has a name, and a click's name says what kind of click it was.
    allowed = {"name"} if event.topic in ("perennial.catalogue", "perennial.clicks") else set()
    for model in (schema, *schema.get("$defs", {}).values()):
        for field in model.get("properties", {}):
            assert not PERSONAL & set(field.split("_")) - allowed, f"{event.type}: {field}"


@pytest.mark.parametrize(
    "schema",
    [TEXT, {**TEXT, "maxLength": 9}, {**TEXT, "pattern": "^.{1,64}$"}, {**TEXT, "format": "email"}],
)
def test_free_text_would_be_found(schema: Schema) -> None:
    fields = record(a={"type": "array", "items": either(schema, NULL)})
    assert [is_closed(string) for _, string in strings(fields, fields)] == [False]


# AsyncAPI


def test_every_event_is_a_message_on_its_topics_channel() -> None:
    document = asyncapi.document()
    assert set(document["channels"]) == set(TOPICS)
    for event in TYPES:
        listed = document["channels"][event.topic]["messages"][event.fact]
        message = resolve(listed, document)
        assert message["name"] == event.type
        (shown,) = message["examples"]
        trait = resolve(message["traits"][0], document)
        jsonschema_rs.validate(trait["headers"], shown["headers"])
        payload = {**document, **message["payload"]}
        jsonschema_rs.validate(payload, shown["payload"])


def test_every_reference_of_the_document_leads_somewhere() -> None:
    document = asyncapi.document()
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert references
    assert all(resolve({"$ref": each}, document) for each in references)
