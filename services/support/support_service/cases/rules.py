"""What may happen to a case, who works on it, and how urgent it is."""

from typing import Literal

from perennial_events.catalogue.complaints import Category, Severity
from support_service.errors import IllegalTransition

Status = Literal["open", "answered", "resolved"]
"""`open`: it is our turn. `answered`: we replied, and the customer has not written since."""
Action = Literal["complain", "assign", "reply", "note", "escalate", "resolve", "reopen"]
Queue = Literal["logistics", "goods", "service", "billing", "technical", "general"]

TRANSITIONS: dict[Status, dict[Action, Status]] = {
    "open": {
        "complain": "open",
        "assign": "open",
        "reply": "answered",
        "note": "open",
        "escalate": "open",
        "resolve": "resolved",
    },
    "answered": {
        "complain": "open",
        "assign": "answered",
        "reply": "answered",
        "note": "answered",
        "escalate": "answered",
        "resolve": "resolved",
    },
    "resolved": {"note": "resolved", "reopen": "open"},
}

QUEUES: dict[Category, Queue] = {
    "delivery": "logistics",
    "quality": "goods",
    "service": "service",
    "payment": "billing",
    "website": "technical",
    "other": "general",
}

SEVERITIES: tuple[Severity, ...] = ("minor", "major", "critical")
"""The lightest first."""

PRIORITIES: dict[Severity, int] = {"critical": 1, "major": 2, "minor": 3}
"""1 is the most urgent, 4 what can wait longest; severity alone puts nothing there."""


def next_status(case_id: str, status: Status, action: Action) -> Status:
    """The status after `action`. Raises `IllegalTransition`, which names what is allowed."""
    allowed = TRANSITIONS[status]
    if action not in allowed:
        raise IllegalTransition(f"Case {case_id}", action, status, allowed)
    return allowed[action]


def graver(one: Severity, other: Severity) -> Severity:
    """A case is as grave as the gravest of its complaints."""
    return max(one, other, key=SEVERITIES.index)


def priority(severity: Severity, level: int) -> int:
    """1 to 4. Each level of escalation makes a case more urgent by one."""
    return max(1, PRIORITIES[severity] - level)
