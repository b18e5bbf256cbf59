"""CloudEvents 1.0 in Kafka's binary mode: attributes as `ce_*` headers, the data as the value."""

from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_OID, UUID, uuid5

from perennial_events.envelope import Envelope, Record

_CONSTANT_HEADERS = [("ce_specversion", b"1.0"), ("content-type", b"application/json")]


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """The CloudEvents attributes of `envelope` as Kafka headers."""
    headers = [
        ("ce_id", str(envelope.id).encode()),
        ("ce_type", envelope.type.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_subject", envelope.subject.encode()),
        ("ce_time", envelope.time.astimezone(UTC).isoformat().replace("+00:00", "Z").encode()),
        *_CONSTANT_HEADERS,
    ]
    if envelope.imported:
        headers.append(("ce_imported", b"true"))
    return headers


def from_message(message: Any) -> Record:
    """The record in a message. One that is no CloudEvent gets empty attributes, and is parked."""
    headers = dict(message.headers)
    appended_at = datetime.fromtimestamp(max(0, message.timestamp) / 1000, UTC)
    try:
        id = UUID(headers["ce_id"].decode())
        time = datetime.fromisoformat(headers["ce_time"].decode())
    except (KeyError, ValueError):
        id = uuid5(NAMESPACE_OID, f"{message.topic}/{message.partition}/{message.offset}")
        time = appended_at
    return Record(
        message.partition,
        message.offset,
        appended_at,
        Envelope(
            id=id,
            type=headers.get("ce_type", b"").decode(errors="replace"),
            source=headers.get("ce_source", b"").decode(errors="replace"),
            subject=headers.get("ce_subject", b"").decode(errors="replace"),
            time=time,
            key=(message.key or b"").decode(errors="replace"),
            imported=headers.get("ce_imported") == b"true",
            data=(message.value or b"").decode(errors="replace"),
        ),
    )
