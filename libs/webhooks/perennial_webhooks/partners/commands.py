"""What a service lets partners do: a command by name, each with its body and its verb."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_http import Body, Problem
from perennial_http.bodies import JsonReader
from perennial_webhooks.expressions import DoesNotMap
from perennial_webhooks.mapping import Command

B = TypeVar("B", bound=Body)


class Delivery(NamedTuple):
    """The circumstances of a partner's webhook."""

    partner: str
    webhook_id: str
    now: datetime


@dataclass(frozen=True)
class PartnerCommand(Generic[B]):
    """`apply` takes the session first, never commits, and does nothing where the fact is known already:
    partners tell the same thing more than once, and under new ids."""

    body: type[B]
    apply: Callable[[AsyncSession, B, Delivery], Awaitable[None]]
    reader: JsonReader[B] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "reader", JsonReader(TypeAdapter(self.body)))


Commands = Mapping[str, PartnerCommand[Any]]
"""What partners may ask of a service, at a glance: `{"place_order": PartnerCommand(…), …}`."""

Read = tuple[PartnerCommand[Any], Body]


def read_commands(commands: Commands, wanted: Iterable[Command]) -> list[Read]:
    """Each command with its validated body. Raises `DoesNotMap`, which says what is wrong with which."""
    read: list[Read] = []
    for name, fields in wanted:
        command = commands.get(name)
        if command is None:
            raise DoesNotMap(f"there is no command {name!r} here; there are: {', '.join(commands)}")
        try:
            read.append((command, command.reader.read(to_json(fields))))
        except Problem as problem:
            raise DoesNotMap(f"{name}{problem.detail}") from None
    return read


async def apply_commands(session: AsyncSession, read: Sequence[Read], delivery: Delivery) -> None:
    """Do what the payload asks for, in its order. Raises what the verbs raise."""
    for command, body in read:
        await command.apply(session, body, delivery)
