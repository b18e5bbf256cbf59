"""The service, put together."""

import asyncio

from engagement_service.handlers import subscriptions
from engagement_service.holdings import HOLDINGS
from engagement_service.partners.commands import COMMANDS
from engagement_service.settings import Settings
from engagement_service.tracking import api as tracking
from engagement_service.tracking.service import SOURCE
from engagement_service.webhooks import api as webhooks
from engagement_service.webhooks.deliverer import Deliverer
from engagement_service.webhooks.service import forget_old
from perennial_events import Clock, Database, Timer, Worker, open_log, utc_now
from perennial_events.group_commit import GroupCommit
from perennial_http import HOUSEKEEPING, ServiceApp, create_app, operations
from perennial_http.privacy import privacy, sweep
from perennial_webhooks import HOUSEKEEPING as PARTNER_HOUSEKEEPING
from perennial_webhooks import Sealer, Sender, partners


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `engagement`: its routes, and its worker where the role has one.

    Clicks go to the log without passing a database, so that the API's half needs the log as well.
    """
    database = Database(
        settings.database_url, source=SOURCE, pool_size=settings.database_connections
    )
    event_log = open_log(settings.log)
    webhooks_queued = asyncio.Event()
    worker = Worker(
        database,
        event_log,
        group="engagement",
        url=settings.database_url,
        subscriptions=subscriptions(clock, webhooks_queued),
        timers=(
            Timer("webhook history", 60.0, forget_old),
            sweep(HOLDINGS),
            *PARTNER_HOUSEKEEPING,
            *HOUSEKEEPING,
        ),
        clock=clock,
    )
    sealer = Sealer(settings.secret_key)
    sender = Sender(allow_loopback=settings.webhooks_allow_loopback)
    deliverer = Deliverer(
        database,
        sealer,
        sender,
        clock=clock,
        queued=webhooks_queued,
        schedule=settings.webhook_schedule,
        addresses=settings.addresses,
    )
    app = create_app(
        title="Perennial engagement",
        version="1",
        settings=settings,
        database=database,
        routers=[
            tracking.router,
            webhooks.router,
            partners("engagement", COMMANDS, settings.secret_key),
            *privacy("engagement", HOLDINGS),
            operations(worker),
        ],
        worker=worker,
        background={} if settings.role == "api" else {"webhooks": deliverer.run},
        closing=[sender.close, event_log.close],
    )
    app.state.clock, app.state.settings, app.state.sealer = clock, settings, sealer
    app.state.clicks = GroupCommit(event_log)
    return app
