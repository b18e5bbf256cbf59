"""When to send, when to try again, when to stop: pure, in seconds and aware UTC."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal, NamedTuple

Status = Literal["active", "paused", "disabled"]
DeliveryStatus = Literal["pending", "delivered", "failed", "held"]
"""`held`: the event came while its endpoint was disabled; a replay sends it."""

RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""Standard Webhooks' schedule: 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h after each attempt."""

JITTER = 0.2
"""Up to so much later than scheduled, so that what failed together does not come back together."""

LONGEST_RETRY_AFTER = timedelta(hours=24)
DISABLED_AFTER = timedelta(days=5)
ROTATION = timedelta(hours=24)
"""For so long both secrets sign."""

IN_FLIGHT = 2
"""How many deliveries one endpoint is sent at a time."""

FAILURES_TO_OPEN = 10
"""After so many failures in a row an endpoint is left alone for a while, then tried with one."""
LONGEST_BREAK_SECONDS = 300.0


def matches(patterns: Iterable[str], type_: str) -> bool:
    """Whether an event type is asked for: by name, with or without its version, or by `prefix.*`."""
    return any(
        type_.startswith(pattern[:-1])
        if pattern.endswith("*")
        else type_ in (pattern, f"{pattern}.v1")
        for pattern in patterns
    )


def retry_delay(
    schedule: Sequence[float], attempts: int, jitter: float, retry_after: timedelta | None
) -> timedelta | None:
    """How long after the `attempts`th failure the next attempt is due; None: there is no further one.

    `jitter` is from 0 to 1. Never before the receiver's Retry-After.
    """
    if attempts > len(schedule):
        return None
    delay = timedelta(seconds=schedule[attempts - 1] * (1 + JITTER * jitter))
    return max(delay, retry_after or timedelta())


def retry_after(status: int | None, value: str | None, now: datetime) -> timedelta | None:
    """What a 429 or 503 asks for, in seconds or as a date (RFC 9110, 10.2.3); a day at most."""
    if status not in (429, 503) or not value:
        return None
    if value.isascii() and value.isdigit():
        wait = timedelta(seconds=min(int(value[:9]), 10**6))
    else:
        try:
            at = parsedate_to_datetime(value)
            wait = at.replace(tzinfo=at.tzinfo or UTC) - now
        except (ValueError, OverflowError, TypeError):
            return None
    return min(max(wait, timedelta()), LONGEST_RETRY_AFTER)


class Breaker(NamedTuple):
    """How an endpoint fares: failures in a row, since when nothing but failure, closed to us until when."""

    failures: int = 0
    failing_since: datetime | None = None
    open_until: datetime | None = None

    @property
    def at_once(self) -> int:
        """How many deliveries it is sent at a time: one, while it has to prove itself."""
        return 1 if self.failures >= FAILURES_TO_OPEN else IN_FLIGHT

    def lets_through(self, now: datetime) -> bool:
        return self.open_until is None or self.open_until <= now

    def succeeded(self) -> "Breaker":
        return Breaker()

    def failed(
        self, now: datetime, schedule: Sequence[float], asked: timedelta | None
    ) -> "Breaker":
        """One more failure. It opens after some in a row, longer each time; a Retry-After opens it too."""
        failures = self.failures + 1
        pause = timedelta()
        if failures >= FAILURES_TO_OPEN and schedule:
            step = min(failures - FAILURES_TO_OPEN, len(schedule) - 1)
            pause = timedelta(seconds=min(schedule[step], LONGEST_BREAK_SECONDS))
        pause = max(pause, asked or timedelta())
        until = now + pause if pause else self.open_until
        return Breaker(failures, self.failing_since or now, until)

    def given_up(self, now: datetime) -> bool:
        """Whether there was nothing but failure for five days."""
        return self.failing_since is not None and now - self.failing_since >= DISABLED_AFTER
