"""Complaints of the past: they go through the same transitions as live ones.

Complaints about one order that overlap in time shared a case, which was resolved when the last of them
was. One that was never resolved joins the case that is open about its order now, if there is one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from pydantic import ValidationInfo, field_validator
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Event, emit
from perennial_http import FieldError, Id, Outcome, Text, Time
from support_service.cases.models import Case, Message
from support_service.cases.service import About, lock_open_cases, message
from support_service.complaints.api import ComplaintBody
from support_service.complaints.rules import overlapping
from support_service.complaints.service import OwnerOf, case_for, known_complaints

MOVED_BY_JOINING = (
    "case_id",
    "status",
    "severity",
    "priority",
    "channel",
    "opened_at",
    "first_response_at",
    "version",
)
"""What a past complaint and its answer may change in a case that it joins; the first says which."""


class PastComplaint(ComplaintBody):
    """A line of `complaints:import`: the body of a new complaint and, as far as it happened, what came after."""

    complaint_id: Id
    opened_at: Time
    answered_at: Time | None = None
    answer: Text | None = None
    resolved_at: Time | None = None

    @field_validator("answered_at", "resolved_at")
    @classmethod
    def _in_order(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        for earlier in ("opened_at", "answered_at"):
            before = info.data.get(earlier)
            if value is not None and before is not None and value < before:
                raise ValueError(f"must not be before {earlier}")
        return value

    @field_validator("answer")
    @classmethod
    def _given_at_a_time(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("answered_at", value) is None:
            raise ValueError("needs answered_at")
        return value

    @property
    def about(self) -> About:
        """Complaints about the same thing may share a case; without an order each is about its own."""
        return self.customer_id, self.order_id or f"/{self.complaint_id}"

    def not_past(self, now: datetime) -> list[FieldError]:
        """What of it is said to happen after `now`."""
        return [
            {"pointer": f"/{name}", "detail": "must not be in the future"}
            for name in ("opened_at", "answered_at", "resolved_at")
            if (at := getattr(self, name)) is not None and at > now
        ]


async def import_complaints(
    session: AsyncSession,
    lines: Sequence[tuple[int, PastComplaint]],
    owner_of: OwnerOf,
    now: datetime,
) -> Outcome:
    """Bring a chunk of past complaints in, set-wise. One that is known already stays as it is."""
    known = await known_complaints(session, [past.complaint_id for _, past in lines])
    new: dict[str, PastComplaint] = {}
    refused: dict[int, Sequence[FieldError]] = {}
    for number, past in lines:
        if past.complaint_id in known:
            continue
        if errors := past.not_past(now):
            refused[number] = errors
        else:
            new.setdefault(past.complaint_id, past)
    about = {past.about for past in new.values() if past.order_id is not None}
    open_cases = await lock_open_cases(session, about)
    replays = [
        Replay(case, pasts, owner_of) for case, pasts in _shared_cases(new.values(), open_cases)
    ]
    for replay in replays:
        replay.run()
    await _store(session, replays)
    told = [each for replay in replays for each in replay.told]
    for at, events in sorted(told, key=lambda each: each[0]):
        emit(session, *events, at=at, imported=True)
    return Outcome(len(new), len(lines) - len(new) - len(refused), refused)


def _shared_cases(
    pasts: Collection[PastComplaint], open_cases: Mapping[About, Case]
) -> Iterator[tuple[Case | None, list[PastComplaint]]]:
    """The complaints that shared a case, and that case where it is open now."""
    groups: dict[About, list[PastComplaint]] = {}
    for past in pasts:
        groups.setdefault(past.about, []).append(past)
    for about, group in groups.items():
        case = open_cases.get(about)
        spans = [(past.opened_at, past.resolved_at) for past in group]
        if case is not None:
            spans.append((case.opened_at, None))
        for indexes in overlapping(spans):
            members = [group[index] for index in indexes if index < len(group)]
            if members:
                yield case if len(members) < len(indexes) else None, members


async def _store(session: AsyncSession, replays: Sequence["Replay"]) -> None:
    """Cases, complaints and messages, each table in one statement."""
    session.add_all(replay.case for replay in replays if replay.opens)
    await session.flush()
    for replay in replays:
        session.add_all([*replay.complaints, *replay.messages])
    await session.flush()
    joined = [
        {name: getattr(replay.case, name) for name in MOVED_BY_JOINING}
        for replay in replays
        if not replay.opens
    ]
    if joined:
        await session.execute(update(Case), joined)


class Replay:
    """Past complaints that shared a case, on their way through its transitions."""

    def __init__(
        self, case: Case | None, pasts: Sequence[PastComplaint], owner_of: OwnerOf
    ) -> None:
        self._pasts = pasts
        self.complaints = [past.complaint(past.opened_at) for past in pasts]
        self.opens = case is None
        self.case = case or case_for(self.complaints[0], owner_of)
        self.messages: list[Message] = []
        self.told: list[tuple[datetime, list[Event]]] = []

    def run(self) -> None:
        answered = sorted(
            ((past.answered_at, past) for past in self._pasts if past.answered_at is not None),
            key=lambda each: each[0],
        )
        for index, complaint in enumerate(self.complaints):
            while answered and answered[0][0] < complaint.opened_at:
                self._answer(*answered.pop(0))
            joined = index > 0 or not self.opens
            self._tell(complaint.opened_at, complaint.open(self.case, joined=joined))
        for at, past in answered:
            self._answer(at, past)
        ends = [past.resolved_at for past in self._pasts if past.resolved_at is not None]
        if self.opens and len(ends) == len(self._pasts):
            self._tell(max(ends), self.case.resolve(max(ends)))

    def _answer(self, at: datetime, past: PastComplaint) -> None:
        self._tell(at, self.case.reply(at))
        if past.answer is not None:
            self.messages.append(message(self.case, "reply", past.answer, at, channel=past.channel))

    def _tell(self, at: datetime, events: list[Event]) -> None:
        self.told.append((at, events))
