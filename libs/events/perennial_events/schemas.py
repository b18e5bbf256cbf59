"""JSON Schemas of events: made from the models, shown by an example, and changed only by addition.

They are committed under `libs/events/schemas/`, one file a type. `perennial docs` writes them, and
refuses to where a reader of the committed ones would be left behind (`incompatibilities`).
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from perennial_events import catalogue
from perennial_events.envelope import Event, event_types

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LOCAL_REF = "#/$defs/{model}"


def catalogue_types() -> list[type[Event]]:
    """Every event of the catalogue, by type name. Events that tests define are not among them."""
    return [each for each in event_types() if each.__module__.startswith(catalogue.__name__)]


class EventSchemas(GenerateJsonSchema):
    """As pydantic makes them, with each field's docstring, and without titles that repeat its name."""

    def model_schema(self, schema: Any) -> Schema:
        made = super().model_schema(schema)
        for name, meaning in _field_docstrings(schema["cls"]).items():
            made["properties"][name]["description"] = meaning
        return made

    def field_title_should_be_set(self, schema: Any) -> bool:
        del schema
        return False


def _field_docstrings(model: type[BaseModel]) -> dict[str, str]:
    """What stands as a string under each field of the class's source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(model))).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - the source of a class is a class
    found = {}
    for field, below in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
        ):
            found[field.target.id] = inspect.cleandoc(str(below.value.value))
    return found


def schema_of(event: type[Event]) -> Schema:
    """The committed form: the data of one event type, with an example."""
    made = event.model_json_schema(schema_generator=EventSchemas)
    return {"$schema": DIALECT, **made, "examples": [example(made)]}


# Values that tell a reader more than what their type allows. Amounts add up within an order.
_TELLING: dict[str, Any] = {
    "country": "DE",
    "locale": "de-DE",
    "channel": "web",
    "carrier": "dhl",
    "store": "berlin",
    "reason": "days",
    "stage": "new",
    "category": "Tea and coffee",
    "name": "Stoneware mug",
    "currency": "EUR",
    "acquisition_currency": "EUR",
    "fields": ["locale", "timezone"],
    "properties": {"placement": "home"},
    "replenish_after_days": 30,
    "quantity": 1,
    "price": 2500,
    "unit_price": 2500,
    "items": 2500,
    "discount": 250,
    "shipping": 495,
    "total": 2745,
    "amount": 2745,
    "cost": 900,
    "base_cost": 900,
    "base_total": 2745,
    "base_amount": 2745,
    "refunded": 2745,
}
# For a pattern that no telling value fits: the first of these that does.
_BY_PATTERN = ("EUR", "product_viewed", "orders:write", "0123456789abcdef" * 4, "DE", "1", "a")


def example(schema: Schema) -> Any:
    """One instance of `schema` with every field filled in; the same one each time."""
    return _example(schema, schema, "")


def _example(node: Schema, root: Schema, name: str) -> Any:
    node = resolve(node, root)
    if "anyOf" in node:
        first = next(each for each in node["anyOf"] if each.get("type") != "null")
        return _example(first, root, name)
    if name in _TELLING and _fits(_TELLING[name], node):
        return _TELLING[name]
    if "const" in node:
        return node["const"]
    return node["enum"][0] if "enum" in node else _of_type(node, root, name)


def _fits(value: Any, node: Schema) -> bool:
    if "enum" in node:
        return value in node["enum"]
    if isinstance(value, str):
        return node.get("type") == "string" and bool(re.search(node.get("pattern", ""), value))
    return isinstance(value, {"integer": int, "array": list, "object": dict}.get(node["type"], ()))


def _of_type(node: Schema, root: Schema, name: str) -> Any:
    match node.get("type"):
        case "object":
            properties = node.get("properties", {})
            return {each: _example(properties[each], root, each) for each in properties}
        case "array":
            return [_example(node["items"], root, name)]
        case "boolean":
            return True
        case "integer" | "number":
            return max(node.get("minimum", 1), 1)
    return _text(node, name)


def _text(node: Schema, name: str) -> str:
    if node.get("format") == "date-time":
        return "2026-03-02T12:00:00Z"
    pattern = node.get("pattern", "")
    candidates = (f"{name.removesuffix('_id').replace('_', '-')}-1", *_BY_PATTERN)
    return next(each for each in candidates if re.search(pattern, each))


def resolve(node: Schema, root: Schema) -> Schema:
    """`node` itself, or what its `$ref` points to within `root`."""
    while "$ref" in node:
        target: Any = root
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_NESTED = ("items", "additionalProperties", "propertyNames")
_COMPARED = ("$ref", "$defs", "type", "enum", "const", "required", "properties", *_NESTED)
_ANNOTATIONS = ("$schema", "title", "description", "default", "examples", "deprecated")


class _Pair(NamedTuple):
    """A place in the committed schema (`old`) and in today's (`new`), each within its root."""

    old: Schema
    new: Schema
    old_root: Schema
    new_root: Schema
    where: str

    def at(self, old: Schema, new: Schema, step: str = "") -> "_Pair":
        return self._replace(old=old, new=new, where=self.where + step)


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """Each way in which `new` is more than `old` with additions; empty when nobody is left behind.

    No field may go, nor may one that was always there become optional; nothing that was valid may
    become invalid: no type narrowed, no field newly required, no enum value taken away, no constraint
    tightened. What cannot be compared (a pattern, a keyword not known here) counts as tightened.
    """
    return list(_changes(_Pair(old, new, old, new, "")))


def _changes(pair: _Pair) -> Iterator[str]:
    old = resolve(pair.old, pair.old_root)
    new = resolve(pair.new, pair.new_root)
    if "anyOf" in old or "anyOf" in new:
        yield from _alternatives(pair.at(old, new))
        return
    if "type" in new and new["type"] not in _readable_as(old.get("type")):
        yield f"{pair.where or '/'}: was {old.get('type', 'of any type')}, is {new['type']}"
        return
    yield from _values(old, new, pair.where)
    yield from _fields(pair.at(old, new))
    yield from _nested(pair.at(old, new))
    yield from _constraints(old, new, pair.where)


def _alternatives(pair: _Pair) -> Iterator[str]:
    """Each alternative of `old` must have one in `new` that takes all it took."""
    choices = [resolve(each, pair.new_root) for each in pair.new.get("anyOf", [pair.new])]
    for alternative in pair.old.get("anyOf", [pair.old]):
        taken = resolve(alternative, pair.old_root)
        found = [list(_changes(pair.at(taken, choice))) for choice in choices]
        if all(found):
            yield from min(found, key=len)


def _readable_as(type_: str | None) -> tuple[str | None, ...]:
    return ("integer", "number") if type_ == "integer" else (type_,)


def _values(old: Schema, new: Schema, where: str) -> Iterator[str]:
    if not {"enum", "const"} & new.keys():
        return
    allowed = new.get("enum", [new.get("const")])
    if not {"enum", "const"} & old.keys():
        yield f"{where or '/'}: took any value, takes only {allowed}"
        return
    for value in old.get("enum", [old.get("const")]):
        if value not in allowed:
            yield f"{where or '/'}: no longer takes {value!r}"


def _fields(pair: _Pair) -> Iterator[str]:
    old, new, where = pair.old, pair.new, pair.where
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in before:
        if name not in after:
            yield f"{where}/{name}: is gone"
        else:
            yield from _changes(pair.at(before[name], after[name], f"/{name}"))
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(is_required - was_required):
        yield f"{where}/{name}: is newly required"
    for name in sorted((was_required - is_required) & after.keys()):
        yield f"{where}/{name}: was always there, may now be missing"


def _nested(pair: _Pair) -> Iterator[str]:
    old, new = pair.old, pair.new
    for keyword in _NESTED:
        if keyword in new:
            was, now = _as_schema(old.get(keyword, True)), _as_schema(new[keyword])
            yield from _changes(pair.at(was, now, f"/{keyword}"))
    before = old.get("patternProperties", {})
    for pattern, now in new.get("patternProperties", {}).items():
        yield from _changes(pair.at(before.get(pattern, {}), now, f"/{pattern}"))


def _as_schema(value: Schema | bool) -> Schema:
    if isinstance(value, bool):
        return {} if value else {"not": {}}
    return value


def _constraints(old: Schema, new: Schema, where: str) -> Iterator[str]:
    for keyword, bound in new.items():
        if keyword in (*_COMPARED, *_ANNOTATIONS, "patternProperties"):
            continue
        was = old.get(keyword)
        loosened = was is not None and (
            (keyword in _LOWER and bound < was) or (keyword in _UPPER and bound > was)
        )
        if was != bound and not loosened:
            yield f"{where or '/'}: {keyword} was {was}, is {bound}"
