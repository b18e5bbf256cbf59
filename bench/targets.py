"""What is promised: one row a figure."""

from typing import Literal, NamedTuple


class Target(NamedTuple):
    """A figure's bound, and its floor's share that it must reach, or must not exceed, as its bound says."""

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
    "contacts.lookup_500_ms": Target("at most", 50, "ms"),
    "segments.recompute_260k_s": Target("at most", 3, "s"),
    "segments.change_visible_ms": Target("at most", 300, "ms"),
    "webhooks.out.per_s": Target("at least", 500, "deliveries/s"),
    "webhooks.out.p99_ratio": Target("at most", 1.2, ""),
    "webhooks.in.per_s": Target("at least", 800, "webhooks/s"),
    "recommend.serve.p50_ms": Target("at most", 3, "ms"),
    "recommend.serve.p99_ms": Target("at most", 12, "ms"),
    "recommend.learn_ms": Target("at most", 500, "ms"),
    "recommend.update_us": Target("at most", 150, "µs"),
    "recommend.refit_s": Target("at most", 60, "s", ratio=1.5),
    "recommend.rss_mb": Target("at most", 500, "MB"),
    "platform.memory_mb": Target("at most", 800, "MB"),
    "value_model.cdnow_fit_ms": Target("at most", 60, "ms", ratio=0.8),
    "value_model.fit_1m_s": Target("at most", 30, "s"),
    "value_model.score_1m_s": Target("at most", 15, "s"),
    "platform.start_s": Target("at most", 10, "s"),
}
"""On 2 cores with everything included, every acknowledgement durable."""
