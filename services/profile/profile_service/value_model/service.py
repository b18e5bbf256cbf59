"""The verbs of the value model: ask for a fit, score customers, keep it all current."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import uuid_utils.compat as uuids
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import driver, reading_driver
from profile_service.errors import FitUnderWay, UnknownFit
from profile_service.value_model import rules
from profile_service.value_model.histories import histories_of
from profile_service.value_model.models import OPEN, Job, JobKind, ValueModel, model_of
from profile_service.value_model.rules import Model

FIRST_FIT_AFTER = timedelta(days=1)
"""So long after its first start a shop has something to be fitted, where anything is scheduled."""

# Whoever scores shares this row until the transaction ends; whoever installs a model waits for them, so
# that no prediction by the model before is written after everybody was rescored.
_IN_FORCE = """
    SELECT m.* FROM value_model_in_force f LEFT JOIN value_models m USING (model) FOR SHARE OF f
"""

_SCORE = """
    INSERT INTO predictions AS p (
        customer_id, first_day, last_day, repeats, value_days, value_sum,
        p_alive, expected_orders_90d, clv_365d, next_order_by, model, computed_at)
    SELECT *, $11::bigint, $12::timestamptz FROM unnest(
        $1::text[], $2::date[], $3::date[], $4::integer[], $5::integer[], $6::bigint[],
        $7::float8[], $8::float8[], $9::bigint[], $10::timestamptz[])
    ON CONFLICT (customer_id) DO UPDATE SET
        first_day = excluded.first_day, last_day = excluded.last_day, repeats = excluded.repeats,
        value_days = excluded.value_days, value_sum = excluded.value_sum,
        p_alive = excluded.p_alive, expected_orders_90d = excluded.expected_orders_90d,
        clv_365d = excluded.clv_365d, next_order_by = excluded.next_order_by,
        model = excluded.model, computed_at = excluded.computed_at
"""

_FORGET = "DELETE FROM predictions WHERE customer_id = ANY ($1::text[])"

_SCHEDULE = "SELECT model, scored_on, next_fit_at FROM value_model_in_force FOR UPDATE SKIP LOCKED"
_ONE_AT_A_TIME = "SELECT FROM value_model_in_force FOR UPDATE"
_NEXT_FIT = "UPDATE value_model_in_force SET next_fit_at = $1"


async def model_in_force(session: AsyncSession) -> Model | None:
    """The model that customers are scored by, which stays until this transaction ends; None before
    the first. Taken before any row of `predictions` and `stages`, by everybody."""
    connection = await driver(session)
    row = await connection.fetchrow(_IN_FORCE)
    return None if row is None or row["model"] is None else model_of(SimpleNamespace(**row))


async def score_customers(
    session: AsyncSession, model: Model | None, customer_ids: Collection[str], now: datetime
) -> None:
    """Predict anew for these customers by the model in force; before the first is fitted, nothing.

    An id that has become another's alias stands for that customer.
    """
    if model is None or not customer_ids:
        return
    connection = await driver(session)
    histories = await histories_of(connection, customer_ids)
    if gone := sorted(set(customer_ids) - set(histories)):
        await connection.execute(_FORGET, gone)
    if not histories:
        return
    predictions = [
        rules.predict(model, history, model.day(now, history.last_day))
        for history in histories.values()
    ]
    await connection.execute(
        _SCORE,
        list(histories),
        *map(list, zip(*histories.values(), strict=True)),
        *map(list, zip(*predictions, strict=True)),
        model.model,
        now,
    )


async def request_fit(
    session: AsyncSession, calibration_end: date | None, as_of: date | None, now: datetime
) -> Job:
    """Queue a fit, or join the one that is open if it is the same. Raises `FitUnderWay`."""
    connection = await driver(session)
    await connection.execute(_ONE_AT_A_TIME)
    waiting = await session.scalars(
        select(Job).where(Job.kind == "fit", Job.status.in_(OPEN)).order_by(Job.requested_at)
    )
    for job in waiting:
        if (job.calibration_end, job.as_of) == (calibration_end, as_of):
            return job
        raise FitUnderWay(job.job_id)
    return _queue(session, "fit", now, calibration_end, as_of)


def _queue(
    session: AsyncSession,
    kind: JobKind,
    now: datetime,
    calibration_end: date | None = None,
    as_of: date | None = None,
) -> Job:
    job = Job(
        job_id=str(uuids.uuid7()),
        kind=kind,
        status="queued",
        calibration_end=calibration_end,
        as_of=as_of,
        requested_at=now,
    )
    session.add(job)
    return job


async def get_job(session: AsyncSession, job_id: str) -> Job:
    job = await session.get(Job, job_id)
    if job is None or job.kind != "fit":
        raise UnknownFit(job_id)
    return job


async def last_fit(session: AsyncSession) -> Job | None:
    """The fit that ended last, with a model or without."""
    found: Job | None = await session.scalar(
        select(Job)
        .where(Job.kind == "fit", Job.status.in_(("fitted", "refused")))
        .order_by(Job.requested_at.desc(), Job.job_id.desc())
        .limit(1)
    )
    return found


async def standing_model(session: AsyncSession) -> ValueModel | None:
    """The model in force, with all that is known of it."""
    connection = await reading_driver(session)
    model = await connection.fetchval("SELECT model FROM value_model_in_force")
    return None if model is None else await session.get(ValueModel, model)


async def schedule_work(session: AsyncSession, now: datetime, refit_days: int) -> int:
    """Queue what is due: the next fit by the calendar, and each day a rescoring of everybody."""
    connection = await driver(session)
    row = await connection.fetchrow(_SCHEDULE)
    if row is None:
        return 0
    if row["next_fit_at"] is None:
        await connection.execute(_NEXT_FIT, now + FIRST_FIT_AFTER)
    elif refit_days and row["next_fit_at"] <= now:
        await connection.execute(_NEXT_FIT, now + timedelta(days=refit_days))
        if not await _is_open(session, "fit"):
            _queue(session, "fit", now)
    model = None if row["model"] is None else await session.get(ValueModel, row["model"])
    stale = row["scored_on"] is None or row["scored_on"] < now.astimezone(UTC).date()
    if model is not None and not model.pinned and stale:
        await _queue_rescoring(session, now)
    return 0


async def _queue_rescoring(session: AsyncSession, now: datetime) -> None:
    # A fit that is under way ends with one.
    if not await _is_open(session, "rescore") and not await _is_open(session, "fit"):
        _queue(session, "rescore", now)


async def _is_open(session: AsyncSession, kind: JobKind) -> bool:
    found = select(Job.job_id).where(Job.kind == kind, Job.status.in_(OPEN)).limit(1)
    return await session.scalar(found) is not None
