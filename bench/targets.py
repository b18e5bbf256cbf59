"""What is promised: one row a figure."""

from typing import Literal, NamedTuple


class Target(NamedTuple):
    """A figure's bound, and the least share of its floor that it must reach."""

    bound: Literal["at least", "at most"]
    value: float
    unit: str
    ratio: float | None = None


TARGETS: dict[str, Target] = {
    "ingest.batch.events_per_s": Target("at least", 20_000, "events/s", ratio=0.5),
    "ingest.single.requests_per_s": Target("at least", 1_500, "requests/s"),
    "projection.events_per_s": Target("at least", 20_000, "events/s", ratio=0.25),
    "freshness.p50_ms": Target("at most", 30, "ms"),
    "freshness.p99_ms": Target("at most", 150, "ms"),
    "orders.place.per_s": Target("at least", 400, "orders/s"),
    "orders.place.p99_ms": Target("at most", 100, "ms"),
    "state.read.per_s": Target("at least", 1_500, "reads/s"),
    "state.read.p99_ms": Target("at most", 30, "ms"),
    "rebuild.events_per_s": Target("at least", 20_000, "events/s"),
    "recommend.serve.p50_ms": Target("at most", 3, "ms"),
    "recommend.serve.p99_ms": Target("at most", 12, "ms"),
    "recommend.learn_ms": Target("at most", 500, "ms"),
    "recommend.update_us": Target("at most", 150, "µs"),
    "recommend.refit_s": Target("at most", 60, "s"),
    "recommend.rss_mb": Target("at most", 500, "MB"),
    "platform.memory_mb": Target("at most", 800, "MB"),
    "platform.start_s": Target("at most", 10, "s"),
}
"""On 2 cores with everything included, every acknowledgement durable."""
