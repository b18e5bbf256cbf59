"""The service, put together."""

from engagement_service.handlers import SUBSCRIPTIONS
from engagement_service.holdings import HOLDINGS
from engagement_service.settings import Settings
from engagement_service.tracking import api as tracking
from engagement_service.tracking.service import SOURCE
from perennial_events import Clock, Database, Worker, open_log, utc_now
from perennial_events.group_commit import GroupCommit
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.privacy import privacy, sweep


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `engagement`: its routes, and its worker where the role has one.

    Clicks go to the log without passing a database, so that the API's half needs the log as well.
    """
    database = Database(settings.database_url, source=SOURCE)
    event_log = open_log(settings.log)
    worker = Worker(
        database,
        event_log,
        group="engagement",
        url=settings.database_url,
        subscriptions=SUBSCRIPTIONS,
        timers=(sweep(HOLDINGS), *HOUSEKEEPING),
        clock=clock,
    )
    app = create_app(
        title="Perennial engagement",
        version="1",
        settings=settings,
        database=database,
        routers=[tracking.router, *privacy("engagement", HOLDINGS), operations(worker)],
        worker=worker,
        closing=[event_log.close],
    )
    app.state.clock, app.state.settings = clock, settings
    app.state.clicks = GroupCommit(event_log)
    return app
