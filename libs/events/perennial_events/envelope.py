"""CloudEvents 1.0 as Perennial uses them: the base class of events, and what travels through the log."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar
from uuid import UUID

import uuid_utils.compat as uuids
from pydantic import ValidationError

from perennial_events.errors import UnreadableEvent
from perennial_events.values import Value

_TYPE = re.compile(r"^(?P<topic>perennial\.[a-z]+)\.(?P<fact>[a-z_]+)\.v(?P<major>\d+)$")

E_co = TypeVar("E_co", bound="Event", covariant=True)


class Event(Value):
    """A fact, as the service that owns it publishes it. Carries no personal data.

    A subclass names its topic, its fact, and which of its fields are the aggregate's id (`subject`)
    and the key by which the log keeps order (`key`, the customer on every topic but two)::

        class OrderPlaced(Event, topic="perennial.orders", fact="order_placed", subject="order_id"):
            order_id: Id
            customer_id: Id
    """

    topic: ClassVar[str]
    fact: ClassVar[str]
    type: ClassVar[str]
    subject_field: ClassVar[str]
    key_field: ClassVar[str]

    def __init_subclass__(
        cls, *, topic: str, fact: str, subject: str, key: str = "customer_id", **kwargs: Any
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.topic, cls.fact, cls.type = topic, fact, f"{topic}.{fact}.v1"
        cls.subject_field, cls.key_field = subject, key
        _CATALOGUE[cls.type] = cls

    @property
    def subject(self) -> str:
        return str(getattr(self, self.subject_field))

    @property
    def key(self) -> str:
        return str(getattr(self, self.key_field))


_CATALOGUE: dict[str, type[Event]] = {}


def event_types() -> Iterator[type[Event]]:
    """Every event class that is defined, by type name."""
    yield from (_CATALOGUE[name] for name in sorted(_CATALOGUE))


class Envelope(NamedTuple):
    """An event on its way: the CloudEvents attributes, the ordering key and the JSON of the data."""

    id: UUID
    type: str
    source: str
    subject: str
    time: datetime
    key: str
    imported: bool
    """Whether this is history, replayed after the fact: it changes state and triggers nothing."""
    data: str

    @property
    def topic(self) -> str:
        return self.type.rsplit(".", 2)[0]


class Record(NamedTuple):
    """An envelope as a log holds it, since `appended_at`."""

    partition: int
    offset: int
    appended_at: datetime
    envelope: Envelope


class Received(NamedTuple, Generic[E_co]):
    """A decoded event beside the envelope it came in: what handlers and projections are given."""

    event: E_co
    envelope: Envelope


def seal(
    event: Event, *, source: str, time: datetime, id: UUID | None = None, imported: bool = False
) -> Envelope:
    """Put `event` into an envelope. `time` is when the fact happened, which imports set in the past."""
    return Envelope(
        id=id or uuids.uuid7(),
        type=event.type,
        source=source,
        subject=event.subject,
        time=time,
        key=event.key,
        imported=imported,
        data=event.model_dump_json(exclude_none=True),
    )


def open_envelope(envelope: Envelope) -> Received[Event]:
    """Decode the event inside.

    Raises `UnreadableEvent` for a type or major version that this reader does not know, and for data
    that does not fit its schema.
    """
    event_class = _CATALOGUE.get(envelope.type)
    if event_class is None:
        raise UnreadableEvent(_unknown_type(envelope.type))
    try:
        return Received(event_class.model_validate_json(envelope.data), envelope)
    except ValidationError as error:
        problems = "; ".join(
            f"/{'/'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors()
        )
        raise UnreadableEvent(
            f"the data of a {envelope.type} does not fit its schema: {problems}"
        ) from None


def _unknown_type(name: str) -> str:
    match = _TYPE.match(name)
    if match and f"{match['topic']}.{match['fact']}.v1" in _CATALOGUE:
        return (
            f"major version {match['major']} of {match['topic']}.{match['fact']} is not known here"
        )
    return f"no event type {name!r} is known here"
