"""The service, put together."""

from perennial_events import Clock, Database, Worker, open_log, utc_now
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.privacy import privacy, sweep
from recommend_service.handlers import SUBSCRIPTIONS
from recommend_service.holdings import HOLDINGS
from recommend_service.recommendations import api as recommendations
from recommend_service.recommendations.trending import Trending
from recommend_service.settings import Settings


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `recommend`: its routes, and its worker where the role has one."""
    database = Database(settings.database_url, source="/perennial/recommend")
    event_log = open_log(settings.log)
    worker = Worker(
        database,
        event_log,
        group="recommend",
        url=settings.database_url,
        subscriptions=SUBSCRIPTIONS,
        timers=(sweep(HOLDINGS), *HOUSEKEEPING),
        clock=clock,
    )
    app = create_app(
        title="Perennial recommend",
        version="1",
        settings=settings,
        database=database,
        routers=[recommendations.router, *privacy("recommend", HOLDINGS), operations(worker)],
        worker=worker,
    )
    app.state.clock, app.state.settings, app.state.trending = clock, settings, Trending()
    return app
