"""Mappings: from a partner's JSON to commands of ours, as data and not as code.

    {
      "event": "~x-shopify-topic",              what kind of payload it is
      "id": "~x-shopify-webhook-id",            what makes a second one the same
      "unwrap": "$.Message",                    where the payload stands as JSON text in another one
      "on": {"orders/create": [                 by kind; "*" is every other, [] is heard and left alone
        {"command": "place_order",
         "when": {"$.test": [false]},           all of these values, or the command is left out
         "each": "$.orders[*]",                 once for each of these
         "fields": {…}}]},
      "examples": [{"headers": {…}, "payload": {…}, "commands": [{"command": …, …}]}]
    }

A field's value is a path ("$.id", see paths.py), a literal, a list of alternatives of which the first
that yields something counts, or an object:

    {"path": "$.id", "as": "id", "prefix": "shop-", "enum": {"SENT": "in_transit"}, "default": "x"}
    {"money": "$.price", "currency": "$.currency"}      major units; {"minor": …} takes minor ones
    {"each": "$.line_items[*]", "fields": {…}}          a list of objects
    {"fields": {…}}                                     an object
    {"value": "$5"}                                     a literal that looks like a path

What yields nothing is left out; whether the command can do without it says the command.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

from perennial_http.bodies import parse_json
from perennial_http.problems import Invalid
from perennial_webhooks.expressions import (
    DoesNotMap,
    Expression,
    MappingIsWrong,
    check_keys,
    object_of,
    path_of,
)
from perennial_webhooks.paths import Path, Source

_MOST_COMMANDS = 500


class Command(NamedTuple):
    """What a payload asks for, in our words."""

    name: str
    fields: dict[str, Any]


class _Step(NamedTuple):
    command: str
    when: tuple[tuple[Path, tuple[Any, ...]], ...]
    each: Path | None
    fields: Expression


class PartnerMapping(NamedTuple):
    """A mapping, ready to be applied."""

    event: Path | None
    id: Path | None
    unwrap: Path | None
    on: dict[str, tuple[_Step, ...]]
    examples: tuple[dict[str, Any], ...]

    def read(self, body: bytes, headers: Mapping[str, str]) -> Source:
        """The payload of a request. Raises `DoesNotMap`."""
        source = Source(_json(body), headers)
        if self.unwrap is not None:
            inner = self.unwrap(source)
            if inner and isinstance(inner[0], str):
                source = source._replace(payload=_json(inner[0].encode()))
        return source

    def webhook_id(self, source: Source) -> str | None:
        """What the partner calls this delivery, where it does."""
        found = self.id(source) if self.id is not None else []
        return str(found[0]) if found and isinstance(found[0], str | int) else None

    def commands(self, source: Source) -> list[Command]:
        """What the payload asks for. Raises `DoesNotMap`."""
        kinds = self.event(source) if self.event is not None else []
        kind = str(kinds[0]) if kinds else ""
        steps = self.on.get(kind, self.on.get("*"))
        if steps is None:
            raise DoesNotMap(f"there is no mapping for a payload of the kind {kind[:60]!r}")
        commands = [command for step in steps for command in _apply(step, source)]
        if len(commands) > _MOST_COMMANDS:
            raise DoesNotMap(f"it asks for more than {_MOST_COMMANDS} commands at once")
        return commands


def _json(body: bytes) -> Any:
    try:
        return parse_json(body)
    except Invalid as problem:
        raise DoesNotMap(problem.detail) from None


def _apply(step: _Step, source: Source) -> list[Command]:
    items = step.each(source) if step.each is not None else [None]
    found = []
    for item in items:
        within = source._replace(item=item)
        if all(any(value in allowed for value in path(within)) for path, allowed in step.when):
            found.append(Command(step.command, step.fields(within)))
    return found


@lru_cache(512)
def compile_mapping(text: str) -> PartnerMapping:
    """A mapping from its JSON. Raises `MappingIsWrong`."""
    return _compile(from_json(text))


def read_mapping(data: Any) -> PartnerMapping:
    """As `compile_mapping`, and its examples give what they say. Raises `MappingIsWrong`."""
    compiled = compile_mapping(to_json(data).decode())
    for number, example in enumerate(compiled.examples):
        found = try_example(compiled, example)
        if found != example.get("commands"):
            raise MappingIsWrong(f"/examples/{number}: gives {to_json(found).decode()[:1000]}")
    return compiled


def try_example(mapping: PartnerMapping, example: dict[str, Any]) -> Any:
    """The commands of an example, or the sentence why there are none."""
    headers = {str(name).lower(): str(value) for name, value in example.get("headers", {}).items()}
    try:
        source = mapping.read(to_json(example.get("payload")), headers)
        return [{"command": name, **fields} for name, fields in mapping.commands(source)]
    except DoesNotMap as error:
        return str(error)


def _compile(data: Any) -> PartnerMapping:
    check_keys(data, "", {"event", "id", "unwrap", "on", "examples"}, required={"on"})
    on, examples = data["on"], data.get("examples", [])
    if not isinstance(on, dict) or not on:
        raise MappingIsWrong("/on: is an object with a list of commands for each kind of payload")
    if not isinstance(examples, list) or not all(isinstance(each, dict) for each in examples):
        raise MappingIsWrong("/examples: is a list of objects")
    event, id_, unwrap = (
        path_of(data[name], f"/{name}") if name in data else None
        for name in ("event", "id", "unwrap")
    )
    kinds = {kind: _steps(steps, f"/on/{kind}") for kind, steps in on.items()}
    return PartnerMapping(event, id_, unwrap, kinds, tuple(examples))


def _steps(data: Any, where: str) -> tuple[_Step, ...]:
    if not isinstance(data, list):
        raise MappingIsWrong(f"{where}: is a list of commands")
    steps = []
    for number, step in enumerate(data):
        here = f"{where}/{number}"
        check_keys(
            step, here, {"command", "when", "each", "fields"}, required={"command", "fields"}
        )
        when = step.get("when", {})
        if not isinstance(when, dict) or not all(isinstance(each, list) for each in when.values()):
            raise MappingIsWrong(f"{here}/when: is an object from paths to lists of values")
        conditions = tuple(
            (path_of(path, f"{here}/when"), tuple(values)) for path, values in when.items()
        )
        each = path_of(step["each"], f"{here}/each") if "each" in step else None
        fields = object_of(step["fields"], f"{here}/fields")
        steps.append(_Step(str(step["command"]), conditions, each, fields))
    return tuple(steps)
