"""What the shop has a say in: its rules, and the blend's weights. Small, and read whole when it changes."""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_RULES = """
    SELECT rule_id, action, field, value, segment, placement, factor, starts_at, ends_at
    FROM merchandising_rules ORDER BY made_at, rule_id
"""
_BLENDS = "SELECT placement, weights::text, source FROM blends"


@dataclass(frozen=True)
class Rule:
    """One rule; the placement, segment or dates that it does not name do not limit it."""

    rule_id: str
    action: str
    field: str
    value: str
    segment: str | None
    placement: str | None
    factor: float | None
    starts_at: datetime | None
    ends_at: datetime | None

    def holds(self, placement: str, segments: frozenset[str], at: datetime) -> bool:
        """Whether it applies to such a request at this time."""
        return (
            self.placement in (None, placement)
            and (self.segment is None or self.segment in segments)
            and (self.starts_at is None or self.starts_at <= at)
            and (self.ends_at is None or at < self.ends_at)
        )


@dataclass(frozen=True)
class Shop:
    rules: tuple[Rule, ...] = ()
    weights: dict[str, dict[str, float]] = field(default_factory=dict)
    """By placement, where they differ from those that stand in the code."""
    sources: dict[str, str] = field(default_factory=dict)
    """By placement, where its weights come from."""


async def read_shop(connection: Any) -> Shop:
    rules = tuple(Rule(*row) for row in await connection.fetch(_RULES))
    blends = await connection.fetch(_BLENDS)
    return Shop(
        rules=rules,
        weights={placement: json.loads(weights) for placement, weights, _ in blends},
        sources={placement: source for placement, _, source in blends},
    )
