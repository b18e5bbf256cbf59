"""What a load found: how many, how fast, how late, what went wrong. Travels between processes as JSON."""

from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel

MILLISECONDS = 1_000.0
MICROSECONDS = 1_000_000.0


class Measured(BaseModel):
    """`per_s` counts answers that were as they should be; everything else is in `failures`."""

    load: str
    done: int
    seconds: float
    per_s: float
    p50_ms: float
    p99_ms: float
    longest_ms: float
    failures: dict[str, int]
    client_us: float
    """What the client itself spent of its processor for one request."""
    notes: dict[str, float] = {}

    @property
    def errors(self) -> int:
        return sum(self.failures.values())


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below or at which `share` of the sorted values lie (nearest rank); 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def summarize(
    load: str,
    times: Sequence[float],
    failures: Counter[str],
    *,
    seconds: float,
    processor_seconds: float,
) -> Measured:
    """Sum up answers that took `times` seconds each within a load that lasted `seconds`."""
    ordered = sorted(times)
    requests = len(times) + failures.total()
    return Measured(
        load=load,
        done=len(times),
        seconds=seconds,
        per_s=len(times) / seconds if seconds else 0.0,
        p50_ms=percentile(ordered, 0.50) * MILLISECONDS,
        p99_ms=percentile(ordered, 0.99) * MILLISECONDS,
        longest_ms=ordered[-1] * MILLISECONDS if ordered else 0.0,
        failures=dict(failures),
        client_us=processor_seconds / requests * MICROSECONDS if requests else 0.0,
    )
