"""What can go wrong between services.

EventError
├── PermanentFailure        this event will never be applied as it is: its key is parked
│   └── UnreadableEvent     its type, version or data is not known here
├── TransientFailure        wait and try again: nothing is parked
│   └── LogUnavailable      the event log cannot be reached or did not acknowledge
└── Fenced                  another member owns the partition now: seek again
"""

import asyncpg
from sqlalchemy.exc import DBAPIError


class EventError(Exception):
    """Root of this library's errors."""


class PermanentFailure(EventError):
    """Handlers raise it for an event that can never be applied as it is."""


class UnreadableEvent(PermanentFailure):
    """The event's type, major version or data is not known here."""


class TransientFailure(EventError):
    """The surroundings failed, not the event."""


class LogUnavailable(TransientFailure):
    """The event log cannot be reached or did not acknowledge; nothing is known to be written."""


class Fenced(EventError):
    """The stored offset is not the one expected: another member owns this partition."""


# SQLSTATE classes by which PostgreSQL says whose fault it is (appendix A of its manual).
_FAULT_OF_THE_DATA = ("22", "23")
_FAULT_OF_THE_SURROUNDINGS = ("08", "25", "40", "53", "55", "57", "58")

# What asyncpg says of a connection that is gone. `InternalClientError`: it went amid a round trip, and
# the protocol's state machine was caught between two states.
_CUT_OFF = (asyncpg.InterfaceError, asyncpg.InternalClientError)


def sqlstate(error: BaseException) -> str | None:
    """The SQLSTATE behind an error of SQLAlchemy or asyncpg, or None."""
    original = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(original, "sqlstate", None)
    return state if isinstance(state, str) else None


def is_permanent(error: BaseException) -> bool:
    """Whether the event itself is at fault, so that a retry cannot help."""
    state = sqlstate(error)
    return isinstance(error, PermanentFailure) or (
        state is not None and state.startswith(_FAULT_OF_THE_DATA)
    )


def is_transient(error: BaseException) -> bool:
    """Whether waiting may help: connections, deadlocks, restarts, a full disk."""
    if isinstance(error, TransientFailure | ConnectionError | TimeoutError | OSError):
        return True
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    original = error.orig if isinstance(error, DBAPIError) else error
    cause = original.__cause__ if original is not None else None
    if isinstance(original, _CUT_OFF) or isinstance(cause, _CUT_OFF):
        return True
    if isinstance(cause, ConnectionError | TimeoutError | OSError):
        return True
    state = sqlstate(error)
    return state is not None and state.startswith(_FAULT_OF_THE_SURROUNDINGS)
