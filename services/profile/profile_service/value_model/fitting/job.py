"""One job from its claim to its end; each step commits by itself, and can be taken up again."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
from sqlalchemy import select

from perennial_events import Database, driver
from profile_service.value_model.fitting import verdict
from profile_service.value_model.fitting.rescoring import rescore
from profile_service.value_model.fitting.summary import (
    default_calibration_end,
    gather_purchase_days,
    read_purchases,
)
from profile_service.value_model.fitting.verdict import Fitted, Refused
from profile_service.value_model.models import OPEN, Job, ValueModel

MOST_ATTEMPTS = 3
_IDENTIFIED = "SELECT identified FROM value_model_in_force JOIN value_models USING (model)"
_READING = ("SET LOCAL statement_timeout = '10min'", "SET LOCAL work_mem = '64MB'")


@dataclass(frozen=True)
class Circumstances:
    """What the service tells the process: its time, its money, its database."""

    database_url: str
    now: datetime
    minor_units: int
    discount_rate: float

    @classmethod
    def read(cls, told: str) -> "Circumstances":
        values = json.loads(told)
        return cls(**{**values, "now": datetime.fromisoformat(values["now"])})


async def work(database: Database, around: Circumstances) -> None:
    """Take up the oldest open job, and bring it to its end. The caller holds the lock of all jobs."""
    job = await _claim(database, around.now)
    if job is None:
        return
    if job.kind == "fit" and job.model is None:
        began = time.monotonic()
        outcome, calibration_end = await _fit(database, job, around)
        if isinstance(outcome, Fitted) and not outcome.identified:
            outcome = await _weigh(database, outcome)
        if isinstance(outcome, Refused):
            await _end(database, job, "refused", around.now, outcome.reason)
            return
        seconds = time.monotonic() - began
        await _install(database, job, outcome, calibration_end, around, seconds)
    await rescore(database, around.now)
    await _end(database, job, "fitted" if job.kind == "fit" else "rescored", around.now)


async def _claim(database: Database, now: datetime) -> Job | None:
    """The oldest job that is queued, or whose process ended amid it."""
    async with database.transaction() as session:
        open_jobs = select(Job).where(Job.status.in_(OPEN))
        job: Job | None = await session.scalar(
            open_jobs.order_by(Job.requested_at, Job.job_id).limit(1).with_for_update()
        )
        if job is None:
            return None
        if job.attempts >= MOST_ATTEMPTS:
            job.end("failed", now, f"Its process ended {job.attempts} times before it was done.")
            return None
        job.begin(now)
        return job


async def _fit(
    database: Database, job: Job, around: Circumstances
) -> tuple[Fitted | Refused, date]:
    as_of = job.last_day(around.now)
    async with database.transaction() as session:
        connection = await driver(session)
        for setting in _READING:
            await connection.execute(setting)
        await gather_purchase_days(connection, as_of)
        end = job.calibration_end or await default_calibration_end(connection, as_of)
        purchases = await read_purchases(connection, end, as_of)
    with np.errstate(all="ignore"):  # what is not finite is refused by name
        return verdict.fit(purchases, end, as_of, around.minor_units), end


async def _weigh(database: Database, outcome: Fitted) -> Fitted | Refused:
    """A fit that is nearly flat ranks customers where nothing better does, and displaces no better one."""
    async with database.connection() as connection:
        stands = await connection.fetchval(_IDENTIFIED)
    return Refused(verdict.FLAT_AFTER_ANOTHER) if stands else outcome


async def _install(
    database: Database,
    job: Job,
    fitted: Fitted,
    calibration_end: date,
    around: Circumstances,
    seconds: float,
) -> None:
    """Store the model and put it in force, in one transaction."""
    spending = fitted.gamma_gamma
    model = ValueModel(
        fitted_at=around.now,
        **fitted.bg_nbd._asdict(),
        **(spending._asdict() if spending else {}),
        **_stored(fitted),
        minor_units=around.minor_units,
        discount_rate=around.discount_rate,
        calibration_end=calibration_end,
        as_of=job.last_day(around.now),
        pinned=job.as_of is not None and job.as_of < around.now.astimezone(UTC).date(),
        seconds=round(seconds, 3),
    )
    async with database.transaction() as session:
        session.add(model)
        await session.flush()
        connection = await driver(session)
        await connection.execute(
            "UPDATE value_model_in_force SET model = $1, scored_on = NULL", model.model
        )
        (await session.get_one(Job, job.job_id)).model = model.model


def _stored(fitted: Fitted) -> dict[str, Any]:
    """What of a fit is stored as it is."""
    fields = fitted._asdict()
    return {name: fields[name] for name in fields if name not in ("bg_nbd", "gamma_gamma")}


async def _end(
    database: Database, job: Job, status: Any, now: datetime, reason: str | None = None
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Job, job.job_id)).end(status, now, reason)
