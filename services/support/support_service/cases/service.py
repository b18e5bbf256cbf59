"""The verbs of cases."""

from collections.abc import Collection, Sequence
from datetime import datetime

import uuid_utils.compat as uuids
from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit
from perennial_events.identities import identities_of
from support_service.cases.models import IS_OPEN, Case, Message, MessageKind
from support_service.errors import OtherCaseOpen, UnknownCase

About = tuple[str, str]
"""A customer and an order of theirs."""


async def open_or_join(session: AsyncSession, case: Case, identities: Sequence[str]) -> Case:
    """Make this case, or get the open one about the same order instead; locked either way.

    The index on open cases decides: of many at once one makes the case, and the others wait for it.
    A case that another of the customer's `identities` opened is joined before a new one is made.
    """
    if case.order_id is not None and len(identities) > 1:
        theirs = await session.scalar(
            select(Case)
            .where(Case.customer_id.in_(identities), Case.order_id == case.order_id, IS_OPEN)
            .order_by(Case.opened_at, Case.case_id)
            .limit(1)
            .with_for_update()
        )
        if theirs is not None:
            return theirs
    columns = {column.key: getattr(case, column.key) for column in Case.__table__.columns}
    statement = (
        insert(Case)
        .values(columns)
        .on_conflict_do_update(
            index_elements=[Case.customer_id, Case.order_id],
            index_where=IS_OPEN,
            # Changes nothing: it makes the conflict lock and return the row.
            set_={"version": Case.version},
        )
        .returning(Case)
    )
    return (await session.scalars(statement)).one()


async def get_case(session: AsyncSession, case_id: str) -> Case:
    case = await session.get(Case, case_id)
    if case is None:
        raise UnknownCase(case_id)
    return case


async def lock_case(session: AsyncSession, case_id: str) -> Case:
    """The case, locked until the transaction ends: whatever changes it waits its turn."""
    case = await session.get(Case, case_id, with_for_update=True)
    if case is None:
        raise UnknownCase(case_id)
    return case


async def lock_open_cases(session: AsyncSession, about: Collection[About]) -> dict[About, Case]:
    """The open cases about these orders, locked. They are no longer the session's to write."""
    rows = await session.scalars(
        select(Case)
        .where(tuple_(Case.customer_id, Case.order_id).in_(about), IS_OPEN)
        .order_by(Case.case_id)
        .with_for_update()
    )
    found = rows.all()
    for case in found:
        session.expunge(case)
    return {(case.customer_id, case.order_id or ""): case for case in found}


async def messages_of(session: AsyncSession, case_id: str) -> Sequence[Message]:
    """What staff wrote about a case, oldest first."""
    rows = await session.scalars(
        select(Message).where(Message.case_id == case_id).order_by(Message.at, Message.message_id)
    )
    return rows.all()


async def assign(session: AsyncSession, case_id: str, owner: str) -> Case:
    """From now on `owner` answers for the case."""
    case = await lock_case(session, case_id)
    case.assign(owner)
    return case


async def reply(
    session: AsyncSession,
    case_id: str,
    text: str,
    *,
    author: str | None,
    channel: str | None,
    now: datetime,
) -> Case:
    """Answer the customer; by the owner and where the customer wrote, where nothing else is said."""
    case = await lock_case(session, case_id)
    emit(session, *case.reply(now), at=now)
    session.add(message(case, "reply", text, now, author=author, channel=channel or case.channel))
    return case


async def note(
    session: AsyncSession, case_id: str, text: str, *, author: str | None, now: datetime
) -> Case:
    """Keep something for colleagues that the customer does not see."""
    case = await lock_case(session, case_id)
    case.note()
    session.add(message(case, "note", text, now, author=author))
    return case


async def escalate(session: AsyncSession, case_id: str, reason: str, now: datetime) -> Case:
    """Make the case more urgent by one level."""
    case = await lock_case(session, case_id)
    emit(session, *case.escalate(now), at=now)
    session.add(message(case, "escalation", reason, now))
    return case


async def resolve(
    session: AsyncSession, case_id: str, resolution: str | None, now: datetime
) -> Case:
    """Nothing more is to be done about it."""
    case = await lock_case(session, case_id)
    emit(session, *case.resolve(now), at=now)
    if resolution is not None:
        session.add(message(case, "resolution", resolution, now))
    return case


async def reopen(session: AsyncSession, case_id: str, reason: str, now: datetime) -> Case:
    """The resolution did not hold. Raises `OtherCaseOpen` where the order has a newer case."""
    case = await lock_case(session, case_id)
    identities = await identities_of(session, case.customer_id)
    other = await session.scalar(
        select(Case.case_id).where(
            Case.customer_id.in_(identities),
            Case.order_id == case.order_id,
            Case.case_id != case_id,
            IS_OPEN,
        )
    )
    if other is not None:
        raise OtherCaseOpen(case_id, other)
    emit(session, *case.reopen(now), at=now)
    session.add(message(case, "reopening", reason, now))
    return case


def message(
    case: Case,
    kind: MessageKind,
    text: str,
    at: datetime,
    *,
    author: str | None = None,
    channel: str | None = None,
) -> Message:
    """A message in this case; by its owner, where no author is named."""
    return Message(
        message_id=str(uuids.uuid7()),
        case_id=case.case_id,
        kind=kind,
        text=text,
        author=author or case.owner,
        channel=channel,
        at=at,
    )
