"""What may become of a quote."""

from typing import Literal

Status = Literal["draft", "sent", "accepted", "declined", "expired"]
Action = Literal["send", "accept", "decline", "expire"]
Verb = Literal["send", "accept", "decline"]
"""What callers do; quotes expire by themselves."""

TRANSITIONS: dict[Status, dict[Action, Status]] = {
    "draft": {"send": "sent", "expire": "expired"},
    "sent": {"accept": "accepted", "decline": "declined", "expire": "expired"},
    "accepted": {},
    "declined": {},
    "expired": {},
}
