"""Run each service's Alembic history against that service's database."""

import asyncio
import importlib.util
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config

from perennial_cli.services import DATABASES, LOG_DATABASE, SERVICES
from perennial_embedded import EmbeddedPostgres, PostgresInUse
from perennial_events.catalogue import PARTITIONS, TOPICS
from perennial_events.log import prepare_log


class NotMigrated(Exception):
    """The migration cannot be run as asked; the message says what is missing."""


def url_variable(service: str) -> str:
    return f"PERENNIAL_{service.upper()}_DATABASE_URL"


def addresses_are_set() -> bool:
    return any(os.environ.get(url_variable(service)) for service in SERVICES)


def upgrade_from_environment() -> None:
    """Upgrade the services whose addresses are set, and the log where it lives in PostgreSQL."""
    urls = {
        service: os.environ[url_variable(service)]
        for service in SERVICES
        if os.environ.get(url_variable(service))
    }
    upgrade(urls, os.environ.get("PERENNIAL_LOG", ""))


def upgrade_embedded(home: Path) -> None:
    """Upgrade the databases of the embedded PostgreSQL of `home`."""
    with _running(EmbeddedPostgres(home / "postgres")) as postgres:
        postgres.ensure_databases(DATABASES)
        urls = {service: postgres.url(service) for service in SERVICES}
        upgrade(urls, postgres.url(LOG_DATABASE))


def upgrade(urls: Mapping[str, str], log: str) -> None:
    """Bring the databases at `urls` (by service) and the log to their newest schema."""
    for service, url in urls.items():
        folder = _history(service)
        configuration = Config()
        configuration.set_main_option("script_location", str(folder))
        # ConfigParser reads % as the start of a reference.
        configuration.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
        command.upgrade(configuration, "head")
    if log:
        asyncio.run(prepare_log(log, TOPICS, PARTITIONS))


def _history(service: str) -> Path:
    """The folder of the service's Alembic history, beside its package."""
    package = importlib.util.find_spec(f"{service}_service")
    if package is None or package.origin is None:
        raise NotMigrated(f"The service {service} is not installed: run `make install`.")
    folder = Path(package.origin).parent.parent / "migrations"
    if not (folder / "env.py").exists():
        raise NotMigrated(f"The service {service} has no migrations: {folder}/env.py is missing.")
    return folder


@contextmanager
def _running(postgres: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    """The server started here, or the one that the running platform owns."""
    try:
        postgres.start()
    except PostgresInUse:
        postgres.attach()
        yield postgres
        return
    try:
        yield postgres
    finally:
        postgres.stop()
