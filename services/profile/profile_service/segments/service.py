"""The verbs of segments."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import emit, reading_driver
from perennial_http import Invalid
from profile_service.customers.service import get_customer
from profile_service.errors import SegmentExists, SegmentInUse, UnknownSegment
from profile_service.segments import evaluation
from profile_service.segments.clauses import Clause, write_rule
from profile_service.segments.evaluation import Finding, Verdict, rules_of
from profile_service.segments.membership import definitions_of, hold_rules
from profile_service.segments.models import Segment
from profile_service.segments.rules import RuleRefused, check_rule, dependents_of

_UNSAVED = ""
"""No id: what a rule is called that is only tried."""


async def get_segment(session: AsyncSession, segment_id: str) -> Segment:
    segment = await session.get(Segment, segment_id)
    if segment is None or segment.status == "removing":
        raise UnknownSegment(segment_id)
    return segment


async def make_segment(
    session: AsyncSession, segment_id: str, name: str, rule: Clause, now: datetime
) -> Segment:
    """Make a segment; the worker finds its members. Raises `SegmentExists`, and `Invalid`."""
    await hold_rules(session)
    known = await _held(session, segment_id)
    if known is not None and known.status != "removing":
        raise SegmentExists(segment_id)
    return await _define(session, known, segment_id, name, rule, now)


async def put_segment(
    session: AsyncSession, segment_id: str, name: str, rule: Clause, now: datetime
) -> Segment:
    """Make a segment, or give it another rule. Raises `Invalid` for a rule that cannot be computed."""
    known = await _held(session, segment_id)
    return await _define(session, known, segment_id, name, rule, now)


async def _held(session: AsyncSession, segment_id: str) -> Segment | None:
    """The segment, as it is until this transaction ends: the worker may be clearing away a removed one."""
    return await session.get(Segment, segment_id, with_for_update={"key_share": True})


async def _define(
    session: AsyncSession,
    segment: Segment | None,
    segment_id: str,
    name: str,
    rule: Clause,
    now: datetime,
) -> Segment:
    rules = await _rules(session)
    checked(rule, segment_id, rules)
    if segment is None:
        segment = Segment(
            segment_id=segment_id, name="", rule={}, status="computing", asked=0, version=0,
            created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(segment)
    told = segment.define(name, write_rule(rule), now)
    emit(session, *told, at=now)
    if told:
        dependents = select(Segment).where(Segment.segment_id.in_(dependents_of(segment_id, rules)))
        for dependent in await session.scalars(dependents):
            dependent.compute()
    await session.flush()
    return segment


async def remove_segment(session: AsyncSession, segment_id: str, now: datetime) -> None:
    """Remove a segment that no other one names. Raises `SegmentInUse`."""
    segment = await get_segment(session, segment_id)
    dependents = sorted(dependents_of(segment_id, await _rules(session)))
    if dependents:
        raise SegmentInUse(segment_id, dependents)
    emit(session, *segment.remove(), at=now)


def checked(rule: Clause, segment_id: str, others: Mapping[str, Clause]) -> Clause:
    """The rule, if it can be computed. Raises `Invalid` that points at the clause where it cannot."""
    try:
        check_rule(rule, segment_id, others)
    except RuleRefused as refused:
        pointer = "".join(f"/{step}" for step in ("rule", *refused.path))
        raise Invalid.field(pointer, refused.detail) from None
    return rule


async def preview(session: AsyncSession, rule: Clause, now: datetime) -> tuple[int, list[str]]:
    """How many customers fit a rule now, and the first of them."""
    rules = await _rules(session)
    checked(rule, _UNSAVED, rules)
    return await evaluation.preview(await reading_driver(session), rule, rules, now)


async def explain(
    session: AsyncSession, segment_id: str, customer_id: str, now: datetime
) -> tuple[Verdict, list[Finding]]:
    """Whether the customer fits the segment's rule now, and what each of its clauses saw."""
    await get_customer(session, customer_id)
    await get_segment(session, segment_id)
    rules = await _rules(session)
    connection = await reading_driver(session)
    return await evaluation.explain(connection, rules[segment_id], rules, customer_id, now)


async def _rules(session: AsyncSession) -> Mapping[str, Clause]:
    return rules_of(await definitions_of(await reading_driver(session)))
