"""Perennial's event library: envelopes, outbox and relay, the log, consumers, projections.

A write emits its events in the transaction that makes the change (`Database.transaction`, `emit`).
The relay brings them to the log; consumers bring them, exactly once in effect, into other databases.
"""

from perennial_events.database import Database, emit
from perennial_events.driver import Connection, driver, reading_driver
from perennial_events.envelope import Envelope, Event, Received, Record, event_types, seal
from perennial_events.errors import (
    EventError,
    LogUnavailable,
    PermanentFailure,
    TransientFailure,
    UnreadableEvent,
)
from perennial_events.log import Log, Partition, open_log
from perennial_events.subscriptions import Handler, Handlers, Projection, Reaction, Subscriptions
from perennial_events.timers import Clock, Timer
from perennial_events.values import utc_now
from perennial_events.worker import Worker

__all__ = [
    "Clock",
    "Connection",
    "Database",
    "Envelope",
    "Event",
    "EventError",
    "Handler",
    "Handlers",
    "Log",
    "LogUnavailable",
    "Partition",
    "PermanentFailure",
    "Projection",
    "Reaction",
    "Received",
    "Record",
    "Subscriptions",
    "Timer",
    "TransientFailure",
    "UnreadableEvent",
    "Worker",
    "driver",
    "emit",
    "event_types",
    "open_log",
    "reading_driver",
    "seal",
    "utc_now",
]
