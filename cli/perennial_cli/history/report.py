"""What a replay did: counts, refusals and speed of each kind."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item that a service would not take, and its reason."""

    id: str
    reason: str


@dataclass(slots=True)
class Outcome:
    """What became of the items of one request. `created` items were new to the service."""

    created: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)


@dataclass(slots=True)
class PhaseReport:
    """One kind of items. `seconds` is wall time of the whole phase."""

    name: str
    sent: int = 0
    created: int = 0
    unchanged: int = 0
    refused: list[Refusal] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, sent: int, outcome: Outcome) -> None:
        self.sent += sent
        self.created += outcome.created
        self.unchanged += outcome.unchanged
        self.refused += outcome.refused

    @property
    def per_second(self) -> float:
        return self.sent / self.seconds if self.seconds else 0.0


@dataclass(slots=True)
class ReplayReport:
    """The phases in the order in which they were played."""

    phases: list[PhaseReport] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return sum(phase.sent for phase in self.phases)

    @property
    def created(self) -> int:
        return sum(phase.created for phase in self.phases)

    @property
    def refused(self) -> list[Refusal]:
        return [refusal for phase in self.phases for refusal in phase.refused]

    @property
    def seconds(self) -> float:
        return sum(phase.seconds for phase in self.phases)

    @property
    def per_second(self) -> float:
        return self.sent / self.seconds if self.seconds else 0.0

    def reasons(self) -> Iterator[tuple[str, int, str]]:
        """Each reason of refusal, how often it was given, and the first id that it met."""
        first: dict[str, str] = {}
        for refusal in self.refused:
            first.setdefault(refusal.reason, refusal.id)
        counts = Counter(refusal.reason for refusal in self.refused)
        for reason, count in counts.most_common():
            yield reason, count, first[reason]


def reason_of(problem: dict[str, Any]) -> str:
    """A problem document, or a refused line with its `errors`, as one sentence."""
    errors = problem.get("errors") or []
    found = [f"{error.get('pointer', '')} {error.get('detail', '')}".strip() for error in errors]
    headline = problem.get("detail") or problem.get("title")
    return "; ".join(found) or str(headline or "no reason given")
