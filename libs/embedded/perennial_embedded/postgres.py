"""A real PostgreSQL 18 from a PyPI wheel, run as a child process on a folder of data.

The wheel only brings the programs. We start the server ourselves, because its own manager would keep it running
after us, counts users in a file, and leaves settings at their defaults. Durability is never traded for speed here:
`fsync`, `synchronous_commit` and `full_page_writes` stay on, in tests as well.
"""

import fcntl
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from perennial_embedded.leftovers import clear_leftovers
from perennial_embedded.process import User, spawn, stop_in_steps, tail
from perennial_embedded.server_paths import (
    SOCKET_NUMBER,
    PostgresFailed,
    environment,
    program,
    short_socket_dir,
)
from perennial_embedded.system_user import allow_reading, allow_traversal, server_user

_LOG_LIMIT_BYTES = 20_000_000

__all__ = ["PARAMETERS", "EmbeddedPostgres", "PostgresFailed", "PostgresInUse"]

# One machine's share: five services with small pools, a log database, and room for a person with psql.
PARAMETERS: dict[str, str | int | float] = {
    "max_connections": 120,
    "shared_buffers": "64MB",
    "effective_cache_size": "512MB",
    "work_mem": "8MB",
    "maintenance_work_mem": "64MB",
    "wal_level": "replica",
    "wal_buffers": "8MB",
    "wal_compression": "pglz",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": 0.9,
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "random_page_cost": 1.1,
    # Statements are short; compiling them costs more than it saves.
    "jit": "off",
    "autovacuum": "on",
    # Outbox, inbox and idempotency rows come and go: dead ones must not wait a minute.
    "autovacuum_naptime": "10s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] %d ",
    # A failing statement's parameters may be personal data.
    "log_parameter_max_length_on_error": 0,
    "log_parameter_max_length": 0,
    # So may the row that broke a constraint, which DETAIL would quote.
    "log_error_verbosity": "terse",
}


class PostgresInUse(RuntimeError):
    """Another process of ours runs a server on this data folder."""


class EmbeddedPostgres:
    """One server on `data_dir`, reached through a Unix socket (and TCP on loopback only if `port` is given).

    Whoever may enter the socket's folder (this user and root) is a superuser: `trust` is the folder's permission.
    A context manager: `with EmbeddedPostgres(path) as postgres: …`.
    """

    def __init__(
        self, data_dir: Path, *, log_file: Path | None = None, port: int | None = None
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_file = log_file or self.data_dir.with_name(f"{self.data_dir.name}.log")
        self.port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._ownership: IO[bytes] | None = None
        self._user: User | None = None
        self._socket_dir: Path | None = None

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def socket_dir(self) -> Path:
        if self._socket_dir is None:
            raise PostgresFailed("PostgreSQL was never started here, so it has no address yet.")
        return self._socket_dir

    def url(self, database: str) -> str:
        """The SQLAlchemy address of a database; it stays the same over restarts."""
        address = f"postgresql+asyncpg://postgres@/{database}?host={self.socket_dir}"
        return address if self.port is None else f"{address}&port={self.port}"

    def start(self, ready_within: float = 60.0) -> None:
        """Set up (first time), start, and wait until it answers. Crash recovery is part of the waiting."""
        self.prepare()
        self.launch()
        self.wait_ready(ready_within)

    def prepare(self) -> None:
        """Take ownership of the folder, stop what a killed owner left running, and create the cluster once."""
        if self.pid is not None:
            raise PostgresInUse(f"PostgreSQL already runs on {self.data_dir}, started here.")
        self.data_dir.parent.mkdir(parents=True, exist_ok=True)
        self._take_ownership()
        try:
            self._user = server_user(self.data_dir)
            if self._user.is_another:
                self._open_paths(self._user)
            if not (self.data_dir / "PG_VERSION").exists():
                self._initdb(self._user)
            clear_leftovers(self.data_dir)
            self._socket_dir = short_socket_dir(self.data_dir, self._user)
        except BaseException:
            self._release_ownership()
            raise

    def attach(self) -> None:
        """Reach the server that another process of ours runs on this folder, without owning it."""
        self._socket_dir = short_socket_dir(self.data_dir, server_user(self.data_dir))

    def launch(self) -> None:
        """Start the server's process; `wait_ready` says when it answers."""
        if self._user is None:
            raise PostgresFailed("PostgreSQL was not prepared: call start(), or prepare() first.")
        configuration = self.data_dir / "perennial.conf"
        configuration.write_text(self._configuration())
        configuration.chmod(0o644)
        if self.log_file.exists() and self.log_file.stat().st_size > _LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_name(self.log_file.name + ".1"))
        self._process = spawn(
            [*(program("postgres"), "-D", str(self.data_dir)), f"--config-file={configuration}"],
            # Fast shutdown: open transactions roll back, everything is written, the next start needs no recovery.
            death_signal=signal.SIGINT,
            log_file=self.log_file,
            user=self._user,
            environment=environment(),
            # Its caller's folder may be closed to another user.
            cwd=Path("/"),
        )

    def wait_ready(self, within: float = 60.0) -> None:
        """Wait until the server accepts a session; raises `PostgresFailed` with the log's end otherwise."""
        deadline = time.monotonic() + within
        while not self._answers():
            if self.pid is None:
                self._release_ownership()
                raise PostgresFailed(f"PostgreSQL ended at once:\n{tail(self.log_file)}")
            if time.monotonic() > deadline:
                raise PostgresFailed(
                    f"PostgreSQL is not ready after {within:.0f} s:\n{tail(self.log_file)}"
                )
            time.sleep(0.03)

    def stop(self, within: float = 8.0) -> None:
        """Fast shutdown (SIGINT); past `within` seconds immediate shutdown (SIGQUIT), which recovery mends."""
        if self._process is not None:
            stop_in_steps(self._process, [(signal.SIGINT, within), (signal.SIGQUIT, 2.0)])
        self._release_ownership()

    def kill(self) -> None:
        """SIGKILL the postmaster, for tests of faults; its backends notice and end by themselves."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._release_ownership()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Databases

    def ensure_databases(self, names: Iterable[str]) -> None:
        """Create those of `names` that do not exist."""
        existing = self.sql("SELECT datname FROM pg_database").split()
        for name in names:
            if name not in existing:
                self.create_database(name)

    def create_database(self, name: str, *, template: str = "template1") -> None:
        """A new database; with `template` a copy of a migrated one, which is how tests get theirs fast.

        Nobody may be connected to the template meanwhile.
        """
        # File by file: through the write-ahead log the copy of a few megabytes takes thrice as long.
        self.sql(f"CREATE DATABASE {_quoted(name)} TEMPLATE {_quoted(template)} STRATEGY FILE_COPY")

    def drop_database(self, name: str) -> None:
        """Drop it if it exists; open sessions are ended."""
        self.sql(f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run administrative SQL with psql (no driver in this process); answers the rows as plain text."""
        done = self._psql(statement, database)
        if done.returncode != 0:
            raise PostgresFailed(f"PostgreSQL refused {statement!r}: {done.stderr.strip()}")
        return done.stdout

    # Inside

    def _psql(self, statement: str, database: str) -> subprocess.CompletedProcess[str]:
        port = str(self.port or SOCKET_NUMBER)
        address = ["-h", str(self.socket_dir), "-p", port, "-U", "postgres", "-d", database]
        options = ["--no-psqlrc", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1"]
        return subprocess.run(
            [program("psql"), *address, *options, "-c", statement],
            check=False,
            capture_output=True,
            text=True,
            env=environment(),
        )

    def _answers(self) -> bool:
        # The socket's file appears before sessions are accepted; without it psql need not be tried.
        socket = self.socket_dir / f".s.PGSQL.{self.port or SOCKET_NUMBER}"
        return socket.exists() and self._psql("SELECT 1", "postgres").returncode == 0

    def _take_ownership(self) -> None:
        if self._ownership is not None:
            return
        lock = self.data_dir.with_name(f"{self.data_dir.name}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise PostgresInUse(f"Another process runs PostgreSQL on {self.data_dir}.") from None
        self._ownership = lock

    def _release_ownership(self) -> None:
        self._process = None
        if self._ownership is not None:
            self._ownership.close()
            self._ownership = None

    def _initdb(self, user: User) -> None:
        """Create the cluster beside its place and move it there, so that a killed start leaves no half one."""
        unfinished = self.data_dir.with_name(f"{self.data_dir.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if user.is_another:
            os.chown(unfinished, user.uid, user.gid)
        # The built-in provider sorts and folds case the same on every system, whatever locales it has.
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        arguments = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", *locale]
        initdb = spawn(
            [program("initdb"), "-D", str(unfinished), *arguments],
            death_signal=signal.SIGKILL,
            log_file=self.log_file,
            user=user,
            environment=environment(),
            cwd=Path("/"),
        )
        if initdb.wait() != 0:
            raise PostgresFailed(f"initdb failed:\n{tail(self.log_file)}")
        if self.data_dir.exists() and not any(self.data_dir.iterdir()):
            self.data_dir.rmdir()
        unfinished.rename(self.data_dir)

    def _open_paths(self, user: User) -> None:
        programs = Path(program("postgres")).parent
        allow_traversal(programs, user)
        allow_traversal(self.data_dir, user)
        allow_reading(programs.parent)

    def _configuration(self) -> str:
        settings = {
            **PARAMETERS,
            "port": self.port or SOCKET_NUMBER,
            "listen_addresses": "127.0.0.1" if self.port else "",
            "unix_socket_directories": str(self.socket_dir).replace("'", "''"),
        }
        lines = (f"{name} = '{value}'\n" for name, value in settings.items())
        return "# Written at every start by perennial_embedded.postgres.\n" + "".join(lines)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
