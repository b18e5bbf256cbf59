"""Where a value stands in a partner's request: `$.order.lines[0].sku`, `@.price`, `~x-shopify-topic`.

`$` is the payload, `@` the item of the list that is being gone through, `~` a header. After it come
`.name`, `['any name']`, `[0]`, `[-1]` and `[*]` (each), as in JSONPath (RFC 9535). What is not there,
null or empty text yields nothing.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Source(NamedTuple):
    """What a mapping reads."""

    payload: Any
    headers: Mapping[str, str]
    """By lower-case name."""
    item: Any = None


Path = Callable[[Source], list[Any]]
"""All values that stand there, in order."""

_PATH = re.compile(r"[$@]((?:\.[A-Za-z_][\w-]*|\['[^'\]]+'\]|\[-?\d{1,6}\]|\[\*\])*)")
_STEP = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\['(?P<quoted>[^'\]]+)'\]|\[(?P<index>-?\d+|\*)\]")
_HEADER = re.compile(r"~[a-z0-9-]{1,64}")


def is_path(text: str) -> bool:
    """Whether the text is meant for a path, well written or not."""
    return text[:1] in ("$", "@", "~")


def compile_path(text: str) -> Path:
    """Raises `ValueError` for what is no path."""
    if _HEADER.fullmatch(text):
        name = text[1:]
        return lambda source: [found] if (found := source.headers.get(name)) else []
    match = _PATH.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:60]} is no path")
    steps = [_step(each) for each in _STEP.finditer(match[1])]
    from_item = text.startswith("@")

    def find(source: Source) -> list[Any]:
        found = [source.item if from_item else source.payload]
        for step in steps:
            found = [inner for value in found for inner in step(value)]
        return [value for value in found if value is not None and value != ""]

    return find


def _step(match: re.Match[str]) -> Callable[[Any], list[Any]]:
    name = match["name"] or match["quoted"]
    if name is not None:
        return lambda value: [value[name]] if isinstance(value, dict) and name in value else []
    if match["index"] == "*":
        return lambda value: value if isinstance(value, list) else []
    index = int(match["index"])
    return lambda value: (
        [value[index]] if isinstance(value, list) and -len(value) <= index < len(value) else []
    )
