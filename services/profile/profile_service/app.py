"""The service, put together."""

import asyncio

from perennial_events import Clock, Database, Worker, open_log, utc_now
from perennial_http import ServiceApp, create_app, operations
from perennial_http.privacy import EXPORTS_AT_ONCE, privacy
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
from profile_service.settings import Settings
from profile_service.stages import api as stages
from profile_service.state import api as state
from profile_service.state.reading import StateReader
from profile_service.timeline import api as timeline
from profile_service.timers import timers
from profile_service.value_model import api as value_model
from profile_service.value_model.runner import fitting
from profile_service.worth import api as worth


def create(settings: Settings, clock: Clock = utc_now) -> ServiceApp:
    """The application of `profile`: its routes, and its worker where the role has one."""
    database = Database(
        settings.database_url, source="/perennial/profile", pool_size=settings.database_connections
    )
    worker = Worker(
        database,
        open_log(settings.log),
        group="profile",
        url=settings.database_url,
        subscriptions=subscriptions(clock, settings.stage_days, settings.costs),
        timers=timers(settings),
        clock=clock,
        # Whoever wrote reads the customer's state next.
        linger_seconds=0.0,
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
    app.state.states = StateReader(database, clock)
    app.state.exports = asyncio.Semaphore(EXPORTS_AT_ONCE)
    return app
