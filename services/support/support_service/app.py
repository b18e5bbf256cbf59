"""The service, put together."""

from perennial_events import Clock, Database, Worker, open_log, utc_now
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.privacy import privacy, sweep
from perennial_webhooks import HOUSEKEEPING as PARTNER_HOUSEKEEPING
from perennial_webhooks import partners
from support_service.cases import api as cases
from support_service.complaints import api as complaints
from support_service.complaints import imports
from support_service.handlers import SUBSCRIPTIONS
from support_service.holdings import HOLDINGS
from support_service.partners.commands import commands
from support_service.reviews import api as reviews
from support_service.settings import Settings


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `support`: its routes, and its worker where the role has one."""
    database = Database(
        settings.database_url, source="/perennial/support", pool_size=settings.database_connections
    )
    event_log = open_log(settings.log)
    worker = Worker(
        database,
        event_log,
        group="support",
        url=settings.database_url,
        subscriptions=SUBSCRIPTIONS,
        timers=(sweep(HOLDINGS), *PARTNER_HOUSEKEEPING, *HOUSEKEEPING),
        clock=clock,
    )
    app = create_app(
        title="Perennial support",
        version="1",
        settings=settings,
        database=database,
        routers=[
            complaints.router,
            imports.router,
            cases.router,
            *privacy("support", HOLDINGS),
            partners("support", commands(settings.owner_of), settings.secret_key),
            reviews.router,
            reviews.imports,
            operations(worker),
        ],
        worker=worker,
    )
    app.state.clock, app.state.settings = clock, settings
    return app
