"""The embedded PostgreSQL: started, killed, left behind, started again; acknowledged rows stay."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from perennial_embedded import EmbeddedPostgres, PostgresFailed, PostgresInUse


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "postgres")
    server.start()
    yield server
    server.stop()


async def _connect(server: EmbeddedPostgres, database: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        user="postgres", database=database, host=str(server.socket_dir), port=5432
    )


async def test_is_postgresql_18_with_durable_settings_and_no_tcp(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.ensure_databases(["profile", "log"])
    postgres.ensure_databases(["profile", "log"])
    connection = await _connect(postgres, "profile")
    try:
        shown = {
            name: await connection.fetchval(f"SHOW {name}")
            for name in ("server_version_num", "fsync", "synchronous_commit", "full_page_writes")
        }
        assert int(shown.pop("server_version_num")) >= 180_000
        assert shown == dict.fromkeys(shown, "on")
        assert await connection.fetchval("SHOW data_checksums") == "on"
        assert await connection.fetchval("SHOW listen_addresses") == ""
        # Case folding knows more than ASCII, whatever locales the system has.
        assert await connection.fetchval("SELECT lower('ÉÄŁ')") == "éäł"
    finally:
        await connection.close()
    assert postgres.url("profile") == (
        f"postgresql+asyncpg://postgres@/profile?host={postgres.socket_dir}"
    )


def test_acknowledged_rows_survive_a_kill_of_the_postmaster(postgres: EmbeddedPostgres) -> None:
    postgres.sql("CREATE TABLE kept (n int)")
    for n in range(3):
        postgres.sql(f"INSERT INTO kept VALUES ({n})")
        postgres.kill()
        postgres.start()
        assert int(postgres.sql("SELECT count(*) FROM kept")) == n + 1


def test_a_busy_backend_of_a_killed_postmaster_does_not_block_the_next_start(
    postgres: EmbeddedPostgres,
) -> None:
    # Pure computation: this backend looks for its postmaster only when it is done.
    busy = threading.Thread(target=_compute, args=(postgres,))
    busy.start()
    _wait_for_active(postgres)
    postgres.kill()
    postgres.start()
    assert postgres.sql("SELECT 1").strip() == "1"
    busy.join(30)


def _compute(server: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresFailed):
        server.sql("SELECT count(*) FROM generate_series(1, 2000000000) AS busy")


def _wait_for_active(server: EmbeddedPostgres) -> None:
    question = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%AS busy' AND state = 'active'"
    )
    deadline = time.monotonic() + 10
    while int(server.sql(question)) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.02)


_OWNER = """
import sys, time
from pathlib import Path
from perennial_embedded import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.start()
server.sql("CREATE TABLE IF NOT EXISTS kept (n int)")
server.sql("INSERT INTO kept VALUES (1)")
print(server.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_a_killed_owner_leaves_a_cleanly_stopped_server(tmp_path: Path) -> None:
    owner = _start_owner(tmp_path)
    os.kill(owner.pid, signal.SIGKILL)
    owner.communicate()
    # At once, while the orphan may still be shutting down.
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        assert int(server.sql("SELECT count(*) FROM kept")) == 1
    assert "not properly shut down" not in server.log_file.read_text()


def test_a_running_server_is_not_taken_from_its_owner(tmp_path: Path) -> None:
    owner = _start_owner(tmp_path)
    intruder = EmbeddedPostgres(tmp_path / "postgres")
    with pytest.raises(PostgresInUse):
        intruder.start()
    intruder.attach()
    assert int(intruder.sql("SELECT count(*) FROM kept")) == 1
    owner.kill()
    owner.communicate()


def _start_owner(folder: Path) -> subprocess.Popen[str]:
    owner = subprocess.Popen(
        [sys.executable, "-c", _OWNER, str(folder / "postgres")], stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    assert int(owner.stdout.readline()) > 0
    return owner


def test_a_pid_file_whose_number_is_another_process_is_no_obstacle(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.kill()
    pid_file = postgres.data_dir / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:], ""]))
    postgres.start()
    assert postgres.sql("SELECT 1").strip() == "1"


def test_a_half_made_cluster_is_made_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgres.unfinished"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres(tmp_path / "postgres") as server:
        assert server.sql("SELECT 1").strip() == "1"


def test_a_path_too_long_for_a_socket_gets_a_private_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60) / "postgres"
    with EmbeddedPostgres(deep) as server:
        assert server.socket_dir != server.data_dir
        assert server.socket_dir.stat().st_mode & 0o077 == 0
        assert server.sql("SELECT 1").strip() == "1"
        address = server.url("postgres")
    with EmbeddedPostgres(deep) as again:
        assert again.url("postgres") == address
    again.socket_dir.rmdir()


def test_databases_are_cloned_from_a_template_and_dropped_with_open_sessions(
    postgres: EmbeddedPostgres,
) -> None:
    postgres.create_database("migrated")
    postgres.sql("CREATE TABLE t AS SELECT 42 AS n", "migrated")
    postgres.create_database('a "test"', template="migrated")
    assert postgres.sql("SELECT n FROM t", 'a "test"').strip() == "42"

    async def drop_beneath_a_session() -> None:
        connection = await _connect(postgres, 'a "test"')
        postgres.drop_database('a "test"')
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetchval("SELECT 1")
        connection.terminate()

    asyncio.run(drop_beneath_a_session())
    assert '"' not in postgres.sql("SELECT datname FROM pg_database")


def test_refused_sql_says_why(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(PostgresFailed, match="does not exist"):
        postgres.sql("SELECT * FROM nowhere")


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_no_acknowledged_row_is_ever_lost(postgres: EmbeddedPostgres, seed: int) -> None:
    """Kill the postmaster at a random moment of a stream of single commits, ten times a seed."""
    dice = random.Random(seed)
    postgres.sql("CREATE TABLE kept (n int)")
    acknowledged: list[int] = []
    for _ in range(10):
        killer = threading.Timer(dice.uniform(0.0, 0.3), os.kill, (postgres.pid, signal.SIGKILL))
        killer.start()
        asyncio.run(_commit_until_killed(postgres, acknowledged))
        killer.join()
        postgres.kill()
        postgres.start()
        present = set(map(int, postgres.sql("SELECT n FROM kept").split()))
        assert present.issuperset(acknowledged)


async def _commit_until_killed(server: EmbeddedPostgres, acknowledged: list[int]) -> None:
    try:
        connection = await _connect(server, "postgres")
        while True:
            number = len(acknowledged)
            await connection.execute("INSERT INTO kept VALUES ($1)", number)
            acknowledged.append(number)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        # The last of them is what asyncpg raises when the connection breaks inside a round trip.
        return
