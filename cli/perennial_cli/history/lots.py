"""Cutting a history into requests: lanes that keep each key's order, and lots of bounded size."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from perennial_cli.history.shop import Item


@dataclass(frozen=True, slots=True)
class Encoded:
    """An item and its body as JSON text in UTF-8."""

    item: Item
    text: bytes


def lanes(items: Iterable[Item], count: int) -> list[list[Item]]:
    """The items in `count` lanes by key. A lane is played one request after the other, so that the
    items of one customer arrive in their order however many lanes run at once."""
    split: list[list[Item]] = [[] for _ in range(count)]
    for item in items:
        split[crc32(item.key.encode()) % count].append(item)
    return [lane for lane in split if lane]


def lots(items: Sequence[Item], most_items: int, most_bytes: int) -> Iterator[list[Encoded]]:
    """The items in lots that are within both bounds (a single larger item is a lot of its own)."""
    lot: list[Encoded] = []
    size = 0
    for item in items:
        text = json.dumps(item.body, ensure_ascii=False, separators=(",", ":")).encode()
        if lot and (len(lot) == most_items or size + len(text) + 1 > most_bytes):
            yield lot
            lot, size = [], 0
        lot.append(Encoded(item, text))
        size += len(text) + 1
    if lot:
        yield lot
