"""`/v1/value-model`: ask for a fit, read what it came to, see how well it tells."""

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Request, Response
from pydantic import BeforeValidator, TypeAdapter, model_validator

from perennial_http import (
    Answer,
    Authorized,
    Body,
    Id,
    Invalid,
    Session,
    Time,
    TransactionalRoute,
    documented,
    etag,
)
from profile_service.errors import NoValueModel
from profile_service.value_model import chart, service
from profile_service.value_model.models import Job, JobStatus, ValueModel

router = APIRouter(route_class=TransactionalRoute, tags=["value model"])

_TIME = TypeAdapter[datetime](Time)


def _read_day(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    # Pydantic alone would read numbers in strings as seconds since 1970.
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        return date.fromisoformat(value)
    return _TIME.validate_python(value).date()


Day = Annotated[date, BeforeValidator(_read_day)]
"""A day in UTC, to its end: `1997-09-30`, or any time of it."""


class FitBody(Body):
    """Without `as_of`, orders until now count and customers are seen from each day anew; with a past
    one, as of that day. Without `calibration_end`, a quarter of the history is held out, 26 weeks at most."""

    calibration_end: Day | None = None
    as_of: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.calibration_end and self.as_of and self.calibration_end > self.as_of:
            raise ValueError("calibration_end must not be after as_of")
        return self


class FitAnswer(Answer):
    job_id: Id
    status: JobStatus
    reason: str | None
    """Why it was refused, or failed."""
    calibration_end: date | None
    as_of: date | None
    requested_at: Time
    started_at: Time | None
    ended_at: Time | None
    model: int | None
    """The model that it put in force."""


class BgNbdAnswer(Answer):
    """Fader, Hardie & Lee (2005)."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


class GammaGammaAnswer(Answer):
    """Fader & Hardie (2013), in major units of the base currency; `customers` have repeat orders."""

    p: float
    q: float
    gamma: float
    log_likelihood: float
    customers: int


class ClassAnswer(Answer):
    """Customers with so many repeat orders in the calibration: their orders in the holdout, a customer."""

    repeat: str
    customers: int
    actual: float
    expected: float


class HoldoutAnswer(Answer):
    """Orders between `calibration_end` and `as_of`: as they were, and as the model expected them."""

    weeks: float
    actual: int
    expected: float
    correlation: float | None
    """Between each customer's actual and expected orders."""
    table: list[ClassAnswer]


class CountAnswer(Answer):
    repeat: str
    actual: int
    expected: float


class CalibrationAnswer(Answer):
    """How many customers have so many repeat orders in the calibration: actual, and by the model."""

    chi_square: float
    table: list[CountAnswer]


class ValueModelAnswer(Answer):
    status: Literal["none", "fitted", "refused"]
    """What the last fit came to. After a refusal the model before, if there is one, stays in force:
    everything below `reason` is of the model in force."""
    reason: str | None
    """Why the last fit was refused, or what the model in force cannot tell."""
    model: int | None = None
    bg_nbd: BgNbdAnswer | None = None
    gamma_gamma: GammaGammaAnswer | None = None
    time_unit: Literal["week"] = "week"
    customers: int | None = None
    calibration_end: date | None = None
    as_of: date | None = None
    calibration: CalibrationAnswer | None = None
    holdout: HoldoutAnswer | None = None
    fitted_at: Time | None = None
    seconds: float | None = None


@router.post("/v1/value-model/fit", status_code=202, dependencies=[Authorized("profile:write")])
async def request_fit(
    session: Session, request: Request, response: Response, body: FitBody | None = None
) -> FitAnswer:
    """Fit the model anew. The job answers at `Location`; the same request joins the fit under way."""
    now = request.app.state.clock()
    wanted = body or FitBody()
    _not_ahead(wanted, now.astimezone(UTC).date())
    job = await service.request_fit(session, wanted.calibration_end, wanted.as_of, now)
    await session.flush()
    response.headers["Location"] = f"/v1/value-model/fits/{job.job_id}"
    return FitAnswer.model_validate(job)


def _not_ahead(body: FitBody, today: date) -> None:
    for name in ("calibration_end", "as_of"):
        day = getattr(body, name)
        if day is not None and day > today:
            raise Invalid.field(f"/{name}", "must not be in the future")


@router.get("/v1/value-model/fits/{job_id}", dependencies=[Authorized("profile:read")])
async def get_fit(job_id: Id, session: Session, response: Response) -> FitAnswer:
    """How far a fit is: `queued`, `running`; in the end `fitted`, `refused` or `failed`."""
    job = await service.get_job(session, job_id)
    response.headers["ETag"] = etag(f"{job.job_id}-{job.attempts}-{job.status}")
    return FitAnswer.model_validate(job)


@router.get("/v1/value-model", dependencies=[Authorized("profile:read")])
async def get_value_model(session: Session, response: Response) -> ValueModelAnswer:
    """The model in force: its parameters, and how well it tells what it was not fitted on."""
    model = await service.standing_model(session)
    job = await service.last_fit(session)
    response.headers["ETag"] = etag(
        f"{model.model if model else 0}-{job.job_id if job else 'none'}"
    )
    return render(model, job)


def render(model: ValueModel | None, job: Job | None) -> ValueModelAnswer:
    if job is not None and job.status == "refused":
        status, reason = "refused", job.reason
    else:
        status, reason = ("fitted", model.reason) if model else ("none", None)
    told: dict[str, Any] = {"status": status, "reason": reason}
    if model is not None:
        told |= {name: getattr(model, name) for name in _AS_STORED}
        told["bg_nbd"] = BgNbdAnswer.model_validate(model)
        if model.p is not None:
            told["gamma_gamma"] = {
                "p": model.p,
                "q": model.q,
                "gamma": model.gamma,
                "log_likelihood": model.spend_log_likelihood,
                "customers": model.spend_customers,
            }
    return ValueModelAnswer.model_validate(told)


_AS_STORED = (
    *("model", "customers", "calibration_end", "as_of", "calibration", "holdout"),
    *("fitted_at", "seconds"),
)


class Svg(Response):
    media_type = "image/svg+xml"


@router.get(
    "/v1/value-model/calibration.svg",
    dependencies=[Authorized("profile:read")],
    response_class=Svg,
    responses={
        200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}},
        **documented(404),
    },
)
async def get_calibration_chart(session: Session) -> Response:
    """Expected against actual: repeat orders by class of customers, and cumulative week by week."""
    model = await service.standing_model(session)
    if model is None:
        raise NoValueModel
    return Svg(chart.draw(model), headers={"ETag": etag(model.model)})
