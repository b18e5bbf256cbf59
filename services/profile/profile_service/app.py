"""The service, put together."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from perennial_events import Clock, Database, Timer, Worker, open_log, utc_now
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from profile_service.customers import api as customers
from profile_service.handlers import subscriptions
from profile_service.keys import api as keys
from profile_service.settings import Settings
from profile_service.stages import api as stages
from profile_service.stages.rules import Thresholds
from profile_service.stages.service import review_due
from profile_service.state import api as state
from profile_service.timeline import api as timeline
from profile_service.worth import api as worth
from profile_service.worth.service import review_expired, review_predicted
from profile_service.worth.thresholds import review_base


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `profile`: its routes, and its worker where the role has one."""
    database = Database(settings.database_url, source="/perennial/profile")
    days = Thresholds(settings.new_days, settings.active_days, settings.lapsed_days)

    costs = settings.costs

    async def stages_due(session: AsyncSession, now: datetime) -> int:
        return await review_due(session, now, days)

    async def worth_expired(session: AsyncSession, now: datetime) -> int:
        return await review_expired(session, now, costs)

    async def worth_predicted(session: AsyncSession, now: datetime) -> int:
        return await review_predicted(session, now, costs)

    worker = Worker(
        database,
        open_log(settings.log),
        group="profile",
        url=settings.database_url,
        subscriptions=subscriptions(clock, days, costs),
        timers=(
            Timer("stages", 5.0, stages_due),
            Timer("worth expired", 5.0, worth_expired),
            Timer("worth predicted", 30.0, worth_predicted),
            Timer("value thresholds", 2.0, review_base),
            *HOUSEKEEPING,
        ),
        clock=clock,
    )
    app = create_app(
        title="Perennial profile",
        version="1",
        settings=settings,
        database=database,
        routers=[
            # Before `customers`, whose paths would take `stages` for an id.
            stages.router,
            customers.router,
            customers.imports,
            state.router,
            timeline.router,
            worth.router,
            keys.router,
            operations(worker),
        ],
        worker=worker,
    )
    app.state.clock, app.state.settings = clock, settings
    return app
