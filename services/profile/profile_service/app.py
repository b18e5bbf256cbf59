"""The service, put together."""

import asyncio
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Clock, Database, Timer, Worker, open_log, utc_now
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.privacy import EXPORTS_AT_ONCE, privacy, sweep
from perennial_webhooks import HOUSEKEEPING as PARTNER_HOUSEKEEPING
from perennial_webhooks import partners
from profile_service.consents import api as consents
from profile_service.contacts import api as contacts
from profile_service.customers import api as customers
from profile_service.handlers import subscriptions
from profile_service.holdings import HOLDINGS
from profile_service.identities import api as identities
from profile_service.keys import api as keys
from profile_service.partners.commands import COMMANDS
from profile_service.privacy import api as erasures
from profile_service.privacy import export
from profile_service.segments import api as segments
from profile_service.segments.membership import follow_rules, follow_time
from profile_service.settings import Settings
from profile_service.stages import api as stages
from profile_service.stages.service import review_due
from profile_service.state import api as state
from profile_service.timeline import api as timeline
from profile_service.value_model import api as value_model
from profile_service.value_model.runner import fitting
from profile_service.value_model.service import schedule_work
from profile_service.worth import api as worth
from profile_service.worth.service import review_expired, review_predicted
from profile_service.worth.thresholds import review_base


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `profile`: its routes, and its worker where the role has one."""
    database = Database(settings.database_url, source="/perennial/profile")
    worker = Worker(
        database,
        open_log(settings.log),
        group="profile",
        url=settings.database_url,
        subscriptions=subscriptions(clock, settings.stage_days, settings.costs),
        timers=(*_timers(settings), sweep(HOLDINGS), *PARTNER_HOUSEKEEPING, *HOUSEKEEPING),
        clock=clock,
    )
    app = create_app(
        title="Perennial profile",
        version="1",
        settings=settings,
        database=database,
        routers=[
            customers.router,
            customers.imports,
            stages.router,
            identities.router,
            consents.router,
            contacts.router,
            erasures.router,
            export.router,
            *privacy("profile", HOLDINGS),
            state.router,
            timeline.router,
            segments.router,
            worth.router,
            keys.router,
            value_model.router,
            partners("profile", COMMANDS, settings.secret_key),
            operations(worker),
        ],
        worker=worker,
        background=(
            {} if settings.role == "api" else {"value model": fitting(database, settings, clock)}
        ),
    )
    app.state.clock, app.state.settings = clock, settings
    app.state.exports = asyncio.Semaphore(EXPORTS_AT_ONCE)
    return app


def _timers(settings: Settings) -> tuple[Timer, ...]:
    """What time alone brings about."""
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
    )
