"""What a service does with which event: handlers for single types, projections for many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events.envelope import Event, Received, Record, open_envelope
from perennial_events.errors import UnreadableEvent

OPENED_AT_ONCE = 100
"""Events decoded in one go, half a millisecond's work: statements under way wait no longer for their turn."""

Handler = Callable[[AsyncSession, Sequence[Received[Any]]], Awaitable[None]]
"""Applies events of one type, in order, set-wise: one statement for many events."""

Handlers = Mapping[type[Event], Handler]
"""A service's subscriptions at a glance: `{OrderPlaced: on_order_placed, …}`."""


Opened = Mapping[UUID, Received[Event]]
"""Events that were decoded, by their ids."""


@dataclass(frozen=True)
class Projection:
    """State that follows from the log alone, so that it can be rebuilt from it.

    `apply` takes a batch of mixed types in order and changes only `tables`; it emits nothing and
    reads nothing but these tables, so that a second run from the start ends in the same rows.
    """

    name: str
    tables: tuple[str, ...]
    subscribes: tuple[type[Event], ...]
    apply: Handler


@dataclass(frozen=True)
class Reaction:
    """What else follows from a batch of mixed types, taken as a whole: it may emit, and read anything.

    A rebuild leaves it out: what was told once is not told again.
    """

    name: str
    subscribes: tuple[type[Event], ...]
    apply: Handler


@dataclass(frozen=True)
class Subscriptions:
    """All that one service wants to hear, and what it does with it."""

    handlers: Handlers = field(default_factory=dict)
    projections: tuple[Projection, ...] = ()
    reactions: tuple[Reaction, ...] = ()

    @property
    def topics(self) -> tuple[str, ...]:
        return tuple(sorted({event_type.topic for event_type in self._types()}))

    def wants(self, type_name: str) -> bool:
        """Whether anything here subscribes to this type, or to another major version of it.

        A version that is not known is wanted too, so that it is parked and not passed over.
        """
        return type_name in self._names or type_name.rpartition(".v")[0] in self._stems

    @property
    def _parts(self) -> tuple[Projection | Reaction, ...]:
        return (*self.projections, *self.reactions)

    def _types(self) -> Iterable[type[Event]]:
        yield from self.handlers
        for part in self._parts:
            yield from part.subscribes

    def __post_init__(self) -> None:
        names = frozenset(event_type.type for event_type in self._types())
        object.__setattr__(self, "_names", names)
        object.__setattr__(self, "_stems", frozenset(name.rpartition(".v")[0] for name in names))

    _names: frozenset[str] = field(init=False, repr=False, default=frozenset())
    _stems: frozenset[str] = field(init=False, repr=False, default=frozenset())

    async def apply_records(
        self, session: AsyncSession, records: Sequence[Record], opened: Opened
    ) -> None:
        """Apply records, of which `opened` has those that can be read. Raises `UnreadableEvent` for another."""
        await self.apply(
            session,
            [opened.get(each.envelope.id) or open_envelope(each.envelope) for each in records],
        )

    async def apply(self, session: AsyncSession, batch: Sequence[Received[Event]]) -> None:
        """Apply a batch to every projection, then to the reactions and handlers, which may read them."""
        for part in self._parts:
            wanted = frozenset(part.subscribes)
            chosen = [event for event in batch if type(event.event) in wanted]
            if chosen:
                await part.apply(session, chosen)
        for event_type, events in in_order(
            event for event in batch if type(event.event) in self.handlers
        ):
            await self.handlers[event_type](session, events)


async def open_records(records: Sequence[Record]) -> Opened:
    """Decode these records' events, and let others have their turn in between. Without those that cannot be
    read; of two copies the first counts."""
    opened: dict[UUID, Received[Event]] = {}
    for start in range(0, len(records), OPENED_AT_ONCE):
        for record in records[start : start + OPENED_AT_ONCE]:
            if record.envelope.id not in opened:
                with suppress(UnreadableEvent):
                    opened[record.envelope.id] = open_envelope(record.envelope)
        await asyncio.sleep(0)
    return opened


def in_order(
    batch: Iterable[Received[Event]],
) -> Iterator[tuple[type[Event], list[Received[Event]]]]:
    """Gather events of one type for set-wise handling, without inverting two events of one key.

    An event joins the earliest group of its type that stands no earlier than the group in which its
    key was last seen; without one it opens a new group at the end.
    """
    groups: list[tuple[type[Event], list[Received[Event]]]] = []
    groups_of_type: dict[type[Event], list[int]] = {}
    last_group_of_key: dict[str, int] = {}
    for received in batch:
        event_type, key = type(received.event), received.envelope.key
        earliest = last_group_of_key.get(key, 0)
        of_type = groups_of_type.setdefault(event_type, [])
        group = next((index for index in of_type if index >= earliest), None)
        if group is None:
            group = len(groups)
            groups.append((event_type, []))
            of_type.append(group)
        groups[group][1].append(received)
        last_group_of_key[key] = group
    yield from groups
