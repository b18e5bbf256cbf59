"""Ready-made mappings: one data file each, with its examples inside, checked by the tests.

An adapter says which service it is for, how the partner signs where it has a way of its own, and the
mapping (see mapping.py).
"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from pydantic_core import from_json, to_json

_FOLDER = Path(__file__).parent


class Adapter(NamedTuple):
    """A ready-made mapping and what goes with it."""

    name: str
    service: str
    meaning: str
    verification: dict[str, str]
    """`scheme`, `header`, `encoding`, `prefix` as this partner has them."""
    mapping: str
    """The mapping as JSON text."""


@cache
def adapters() -> dict[str, Adapter]:
    """All of them, by name."""
    return {file.stem: _read(file) for file in sorted(_FOLDER.glob("*.json"))}


def adapters_of(service: str) -> dict[str, Adapter]:
    """Those by which a partner can speak to this service."""
    return {name: each for name, each in adapters().items() if each.service == service}


def _read(file: Path) -> Adapter:
    data: dict[str, Any] = from_json(file.read_bytes())
    return Adapter(
        file.stem,
        data["service"],
        data["meaning"],
        data.get("verification", {}),
        to_json(data["mapping"]).decode(),
    )
