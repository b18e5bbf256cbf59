"""What the clock brings about in `profile`, and how often it is looked at."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Timer
from perennial_http import HOUSEKEEPING
from perennial_http.privacy import sweep
from perennial_webhooks import HOUSEKEEPING as PARTNER_HOUSEKEEPING
from profile_service.holdings import HOLDINGS
from profile_service.segments.membership import follow_rules, follow_time
from profile_service.settings import Settings
from profile_service.stages.service import review_due
from profile_service.value_model.service import schedule_work
from profile_service.worth.service import review_expired, review_predicted
from profile_service.worth.thresholds import review_base


def timers(settings: Settings) -> tuple[Timer, ...]:
    days, costs = settings.stage_days, settings.costs

    async def stages_due(session: AsyncSession, now: datetime) -> int:
        return await review_due(session, now, days)

    async def value_model_due(session: AsyncSession, now: datetime) -> int:
        return await schedule_work(session, now, settings.value_refit_days)

    async def worth_expired(session: AsyncSession, now: datetime) -> int:
        return await review_expired(session, now, costs)

    async def worth_predicted(session: AsyncSession, now: datetime) -> int:
        return await review_predicted(session, now, costs)

    return (
        Timer("stages", 5.0, stages_due),
        Timer("value model", 60.0, value_model_due),
        Timer("worth expired", 5.0, worth_expired),
        Timer("worth predicted", 30.0, worth_predicted),
        Timer("value thresholds", 2.0, review_base),
        Timer("segments", 0.25, follow_time),
        Timer("segment rules", 0.25, follow_rules),
        sweep(HOLDINGS),
        *PARTNER_HOUSEKEEPING,
        *HOUSEKEEPING,
    )
