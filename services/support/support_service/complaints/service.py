"""The verbs of complaints."""

from collections.abc import Callable, Collection, Iterable, Sequence

import uuid_utils.compat as uuids
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from perennial_events import emit
from perennial_events.identities import identities_of
from support_service.cases.models import Case
from support_service.cases.rules import QUEUES, Queue, priority
from support_service.cases.service import open_or_join
from support_service.complaints.models import Complaint
from support_service.errors import ComplaintExists, UnknownComplaint

OwnerOf = Callable[[Queue], str]


def case_for(complaint: Complaint, owner_of: OwnerOf) -> Case:
    """A new case for this complaint, in the queue of its category and owned from the start."""
    queue = QUEUES[complaint.category]
    return Case(
        case_id=str(uuids.uuid7()),
        customer_id=complaint.customer_id,
        order_id=complaint.order_id,
        status="open",
        queue=queue,
        owner=owner_of(queue),
        category=complaint.category,
        severity=complaint.severity,
        priority=priority(complaint.severity, 0),
        level=0,
        channel=complaint.channel,
        opened_at=complaint.opened_at,
        version=1,
    )


async def open_complaint(session: AsyncSession, complaint: Complaint, owner_of: OwnerOf) -> Case:
    """Open a case, or join the open one about the same order. Raises `ComplaintExists`."""
    new = case_for(complaint, owner_of)
    identities = await identities_of(session, complaint.customer_id)
    case = await open_or_join(session, new, identities)
    opened = complaint.open(case, joined=case.case_id != new.case_id)
    session.add(complaint)
    try:
        await session.flush()
    except IntegrityError:
        raise ComplaintExists(complaint.complaint_id) from None
    for mine in (complaint, case):
        set_committed_value(mine, "survivor_id", identities[0])
    emit(session, *opened, at=complaint.opened_at)
    return case


async def get_complaint(session: AsyncSession, complaint_id: str) -> Complaint:
    complaint = await session.get(Complaint, complaint_id)
    if complaint is None:
        raise UnknownComplaint(complaint_id)
    return complaint


async def complaints_of(session: AsyncSession, case_id: str) -> Sequence[Complaint]:
    """The complaints of a case, oldest first."""
    rows = await session.scalars(
        select(Complaint)
        .where(Complaint.case_id == case_id)
        .order_by(Complaint.opened_at, Complaint.complaint_id)
    )
    return rows.all()


def tag_of(case: Case, complaints: Iterable[Complaint]) -> str:
    """Tells what was read of a case and its complaints apart: they change hands by merges, too."""
    both: list[Case | Complaint] = [case, *complaints]
    merged = {
        f"{each.customer_id}={each.survivor_id}"
        for each in both
        if each.survivor_id != each.customer_id
    }
    return "+".join([str(case.version), *sorted(merged)])


async def known_complaints(session: AsyncSession, complaint_ids: Collection[str]) -> set[str]:
    """Those of the ids that a complaint has."""
    rows = await session.scalars(
        select(Complaint.complaint_id).where(Complaint.complaint_id.in_(complaint_ids))
    )
    return set(rows)
