"""Mappings: the ready-made ones by their examples, the language by what it must and must not do."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perennial_webhooks.adapters import adapters
from perennial_webhooks.conversions import as_id, as_time, money
from perennial_webhooks.expressions import DoesNotMap, MappingIsWrong
from perennial_webhooks.mapping import compile_mapping, read_mapping, try_example

EXAMPLES = [
    pytest.param(adapter.mapping, example, id=f"{adapter.name}-{number}")
    for adapter in adapters().values()
    for number, example in enumerate(compile_mapping(adapter.mapping).examples)
]


@pytest.mark.parametrize(("mapping", "example"), EXAMPLES)
def test_ready_made_adapters_by_their_examples(mapping: str, example: dict[str, Any]) -> None:
    assert try_example(compile_mapping(mapping), example) == example["commands"]


@pytest.mark.parametrize("name", adapters())
def test_every_adapter_has_examples(name: str) -> None:
    assert compile_mapping(adapters()[name].mapping).examples


def commands(fields: dict[str, Any], payload: Any, **step: Any) -> Any:
    mapping = {"on": {"*": [{"command": "c", "fields": fields, **step}]}}
    return try_example(read_mapping(mapping), {"payload": payload, "headers": {"X-Kind": "k"}})


def fields(fields: dict[str, Any], payload: Any) -> Any:
    found = commands(fields, payload)
    return (
        found if isinstance(found, str) else {k: v for k, v in found[0].items() if k != "command"}
    )


@pytest.mark.parametrize(
    ("expression", "payload", "value"),
    [
        ("$.a.b", {"a": {"b": 1}}, 1),
        ("$['a b'][-1]", {"a b": [1, 2]}, 2),
        ("$.a[*].b", {"a": [{"b": None}, {"b": 2}]}, 2),
        ("~x-kind", {}, "k"),
        ("plain", {}, "plain"),
        ({"value": "$.a"}, {}, "$.a"),
        (["$.a", "$.b", "c"], {"b": ""}, "c"),
        ({"path": "$.a", "enum": {"X": "x"}, "default": "y"}, {"a": "Z"}, "y"),
        ({"path": "$.a", "enum": {"1": True, "*": False}}, {"a": 1}, True),
        ({"path": "$.a", "as": "id", "prefix": "s-"}, {"a": 2**60}, f"s-{2**60}"),
        ({"path": "$.a", "as": "integer"}, {"a": "3.0"}, 3),
        ({"path": "$.a", "as": "boolean"}, {"a": "true"}, True),
        ({"path": "$.a", "as": "time"}, {"a": "2026-03-01T12:00:00+02:00"}, "2026-03-01T10:00:00Z"),
        ({"money": "$.a", "currency": "JPY"}, {"a": 500}, {"amount": 500, "currency": "JPY"}),
        ({"money": "$.a", "currency": "kwd"}, {"a": "1.234"}, {"amount": 1234, "currency": "KWD"}),
        ({"minor": "$.a", "currency": "EUR"}, {"a": 5}, {"amount": 5, "currency": "EUR"}),
        (
            {"each": "$.l[*]", "fields": {"x": "@.y", "z": "$.z"}},
            {"l": [{"y": 1}], "z": 2},
            [{"x": 1, "z": 2}],
        ),
        ({"fields": {"x": "$.y"}}, {"y": 1}, {"x": 1}),
    ],
)
def test_values(expression: Any, payload: Any, value: Any) -> None:
    assert fields({"v": expression}, payload) == {"v": value}


@pytest.mark.parametrize(
    "expression", ["$.a", {"fields": {"x": "$.a"}}, {"each": "$.a[*]", "fields": {}}]
)
def test_what_is_not_there_is_left_out(expression: Any) -> None:
    assert fields({"v": expression}, {"b": 1}) == {}


@pytest.mark.parametrize(
    ("expression", "payload", "sentence"),
    [
        ({"path": "$.a", "enum": {"X": "x"}}, {"a": "Z"}, "not among the known values"),
        ({"path": "$.a", "as": "integer"}, {"a": 1.5}, "whole number"),
        ({"path": "$.a", "as": "integer"}, {"a": "1e999999999"}, "too large"),
        ({"path": "$.a", "as": "number"}, {"a": "nan"}, "not a number"),
        ({"path": "$.a", "as": "time"}, {"a": "2026-03-01T12:00:00"}, "its zone"),
        ({"path": "$.a", "as": "time"}, {"a": 10**17}, "its zone"),
        ({"path": "$.a", "as": "text"}, {"a": {"b": 1}}, "not text"),
        ({"money": "$.a", "currency": "EUR"}, {"a": "1.005"}, "more decimals"),
        ({"money": "$.a", "currency": "XXX"}, {"a": "1"}, "ISO 4217"),
    ],
)
def test_what_does_not_fit_is_said(expression: Any, payload: Any, sentence: str) -> None:
    found = fields({"v": expression}, payload)
    assert isinstance(found, str)
    assert found.startswith("/on/*/0/fields/v")
    assert sentence in found


def test_conditions_and_repetition() -> None:
    step = {"each": "$.l[*]", "when": {"@.go": [True]}}
    found = commands({"n": "@.n"}, {"l": [{"go": True, "n": 1}, {"n": 2}]}, **step)
    assert found == [{"command": "c", "n": 1}]


def test_kinds_that_are_heard_and_left_alone() -> None:
    mapping = {"event": "$.t", "on": {"a": []}}
    assert try_example(read_mapping(mapping), {"payload": {"t": "a"}}) == []
    assert "no mapping" in try_example(read_mapping(mapping), {"payload": {"t": "b"}})


@pytest.mark.parametrize(
    ("mapping", "where"),
    [
        ([], "/"),
        ({}, "/on"),
        ({"on": {}}, "/on"),
        ({"on": {"*": {}}}, "/on/*"),
        ({"on": {"*": [{"command": "c"}]}}, "/on/*/0/fields"),
        ({"on": {"*": [{"command": "c", "fields": {"a": "$..b"}}]}}, "/on/*/0/fields/a"),
        ({"on": {"*": [{"command": "c", "fields": {"a": {"as": "id"}}}]}}, "/on/*/0/fields/a"),
        (
            {"on": {"*": [{"command": "c", "fields": {"a": {"path": "$.b", "as": "x"}}}]}},
            "/on/*/0/fields/a",
        ),
        ({"on": {"*": []}, "colour": 1}, "/colour"),
        ({"on": {"*": []}, "examples": [{"payload": {}, "commands": ["x"]}]}, "/examples/0"),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(mapping: Any, where: str) -> None:
    with pytest.raises(MappingIsWrong, match=where.replace("*", r"\*")):
        read_mapping(mapping)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(payload=JSON)
def test_no_payload_breaks_an_adapter(payload: Any) -> None:
    body = json.dumps(payload).encode()
    for adapter in adapters().values():
        mapping = compile_mapping(adapter.mapping)
        for kind in mapping.on:
            with contextlib.suppress(DoesNotMap):
                mapping.commands(mapping.read(body, {"x-shopify-topic": kind}))


@given(mapping=JSON)
def test_no_mapping_breaks_the_compiler(mapping: Any) -> None:
    for tried in (mapping, {"on": {"*": [{"command": "c", "fields": {"a": mapping}}]}}):
        with contextlib.suppress(MappingIsWrong):
            read_mapping(tried)


@given(text=st.text(min_size=1))
def test_ids_keep_apart_and_keep_their_form(text: str) -> None:
    if not text.strip():
        return
    made = as_id(text)
    assert len(made) <= 64
    assert made.isascii()
    assert as_id(made) == made


def test_times_and_money_at_their_edges() -> None:
    assert as_time("1772532000") == "2026-03-03T10:00:00Z"
    assert money("0.00", "USD", minor=False) == {"amount": 0, "currency": "USD"}
