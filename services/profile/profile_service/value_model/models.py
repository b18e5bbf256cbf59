"""Fits: what was asked for, what came of it, and the model that stands."""

from datetime import UTC, date, datetime
from typing import Any, Literal

from sqlalchemy.orm import Mapped, mapped_column

from profile_service.db import Base
from profile_service.value_model.rules import BgNbd, GammaGamma, Model

JobKind = Literal["fit", "rescore"]
JobStatus = Literal["queued", "running", "fitted", "refused", "rescored", "failed"]

OPEN = ("queued", "running")


class ValueModel(Base):
    """A fit that stands, and how it did on what it was not fitted on."""

    __tablename__ = "value_models"

    model: Mapped[int] = mapped_column(primary_key=True)
    fitted_at: Mapped[datetime]
    r: Mapped[float]
    alpha: Mapped[float]
    a: Mapped[float]
    b: Mapped[float]
    log_likelihood: Mapped[float]
    identified: Mapped[bool]
    p: Mapped[float | None]
    q: Mapped[float | None]
    gamma: Mapped[float | None]
    spend_log_likelihood: Mapped[float | None]
    spend_customers: Mapped[int | None]
    mean_value: Mapped[float]
    minor_units: Mapped[int]
    discount_rate: Mapped[float]
    customers: Mapped[int]
    calibration_end: Mapped[date]
    as_of: Mapped[date]
    pinned: Mapped[bool]
    calibration: Mapped[dict[str, Any]]
    holdout: Mapped[dict[str, Any] | None]
    tracking: Mapped[dict[str, Any]]
    reason: Mapped[str | None]
    seconds: Mapped[float]


class Job(Base):
    """A fit, or a rescoring of everybody, on its way."""

    __tablename__ = "value_model_jobs"

    job_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[JobKind]
    status: Mapped[JobStatus] = mapped_column(default="queued")
    reason: Mapped[str | None]
    calibration_end: Mapped[date | None]
    as_of: Mapped[date | None]
    requested_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    model: Mapped[int | None]

    def begin(self, now: datetime) -> None:
        """A process takes it up; again, where one before ended amid the work."""
        self.status, self.started_at, self.attempts = "running", now, self.attempts + 1

    def end(self, status: JobStatus, now: datetime, reason: str | None = None) -> None:
        self.status, self.ended_at, self.reason = status, now, reason

    def last_day(self, now: datetime) -> date:
        """Up to which day orders are looked at."""
        return self.as_of or now.astimezone(UTC).date()


def model_of(row: Any) -> Model:
    """What predictions take, from a row of `value_models` or one that has its columns."""
    spending = None if row.p is None else GammaGamma(row.p, row.q, row.gamma)
    return Model(
        model=row.model,
        bg_nbd=BgNbd(row.r, row.alpha, row.a, row.b),
        gamma_gamma=spending,
        identified=row.identified,
        mean_value=row.mean_value,
        minor_units=row.minor_units,
        discount_rate=row.discount_rate,
        pinned_to=row.as_of if row.pinned else None,
        fitted_at=row.fitted_at,
    )
