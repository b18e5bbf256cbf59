"""`perennial up` over stand-in services: real processes, a real PostgreSQL, signals and kills."""

import os
import re
import signal
import socket
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]

SERVICES = ["profile", "orders", "engagement", "support", "recommend"]

tied = pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")


def test_starts_everything_says_so_and_stops_on_one_ctrl_c(start: Start) -> None:
    platform = start()
    ready = platform.wait_for(r"ready after ([\d.]+) s")
    assert float(ready[1]) < 10
    for name in [*SERVICES, "postgres", "supervisor"]:
        assert platform.runs(platform.pid(name))
    postgres = platform.pid("postgres")

    code, seconds = platform.stop(signal.SIGINT)

    assert code == 0
    assert seconds < 10
    assert not platform.runs(postgres)
    for name in SERVICES:
        assert f"{name} drained" in platform.output()
        assert f"{name} drained" in (platform.home / "logs" / f"{name}.log").read_text()
    assert not list((platform.home / "run").glob("*.pid"))


def test_services_stand_on_the_contract_ports(start: Start, port_base: int) -> None:
    platform = start()
    platform.wait_for(r"ready after")
    for place, name in enumerate(SERVICES, 1):
        assert f"{name:<10} http://127.0.0.1:{port_base + place}" in platform.output()


def test_admin_key_is_made_once_kept_private_and_never_logged(start: Start) -> None:
    first = start()
    key = first.wait_for(r"admin key \(made now\): (pk_admin_[A-Za-z0-9_-]{43})\n")[1]
    first.wait_for(r"ready after")
    first.stop()
    file = first.home / "admin.key"
    assert file.read_text().strip() == key
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for log in (first.home / "logs").iterdir():
        assert key not in log.read_text()

    sealing = first.home / "secret.key"
    assert stat.S_IMODE(sealing.stat().st_mode) == 0o600
    kept = sealing.read_text()

    second = start()
    assert sealing.read_text() == kept
    assert second.wait_for(r"admin key \(kept in .*\): (\S+)\n")[1] == key


def test_a_dying_service_is_started_again_with_growing_pause(start: Start) -> None:
    platform = start("orders=dies")
    platform.wait_for(r"orders ended with exit code 3; starting it again in 0\.8 s")
    pauses = re.findall(r"orders ended .* in ([\d.]+) s", platform.output())
    assert pauses[:3] == ["0.2", "0.4", "0.8"]
    code, seconds = platform.stop()
    assert (code, seconds < 10) == (0, True)


def test_a_killed_service_comes_back_and_the_others_stay(start: Start) -> None:
    platform = start()
    platform.wait_for(r"ready after")
    before = {name: platform.pid(name) for name in SERVICES}
    os.kill(before["support"], signal.SIGKILL)
    platform.wait_for(r"support was ended by SIGKILL; starting it again in 0\.2 s")
    platform.wait_for(r"(?s)SIGKILL.*support serves")
    after = {name: platform.pid(name) for name in SERVICES}
    assert after.pop("support") != before.pop("support")
    assert after == before


def test_services_share_what_their_fork_server_loaded_and_come_back_with_it(start: Start) -> None:
    platform = start()
    platform.wait_for(r"ready after")
    pids = [platform.pid(name) for name in SERVICES]
    (server,) = {platform.parent(pid) for pid in pids}
    assert server != platform.process.pid
    os.kill(server, signal.SIGKILL)
    for name in SERVICES:
        platform.wait_for(rf"(?s){name} was ended by SIGKILL; starting it again.*{name} serves")
    (another,) = {platform.parent(platform.pid(name)) for name in SERVICES}
    assert another != server
    assert not any(platform.runs(pid) for pid in pids)


def test_a_stop_signal_to_every_process_lets_all_drain(start: Start) -> None:
    platform = start()
    platform.wait_for(r"ready after")
    server = platform.parent(platform.pid("orders"))
    for pid in (server, *(platform.pid(name) for name in SERVICES)):
        os.kill(pid, signal.SIGTERM)
    assert platform.stop()[0] == 0
    platform.wait_until_gone(server)
    for name in SERVICES:
        assert f"{name} drained" in platform.output()


def test_a_killed_postgres_comes_back(start: Start) -> None:
    platform = start()
    platform.wait_for(r"ready after")
    killed = platform.pid("postgres")
    os.kill(killed, signal.SIGKILL)
    platform.wait_for(r"postgres is back")
    assert platform.pid("postgres") != killed
    assert platform.stop()[0] == 0


def test_a_service_that_ignores_sigterm_is_killed_in_time(start: Start) -> None:
    platform = start("profile=ignores_term", "orders=slow_to_stop")
    platform.wait_for(r"ready after")
    code, seconds = platform.stop()
    assert code == 0
    assert seconds < 10
    assert "profile did not end in time and is killed" in platform.output()
    assert "orders drained" in platform.output()


def test_a_second_ctrl_c_hurries(start: Start) -> None:
    platform = start("profile=ignores_term")
    platform.wait_for(r"ready after")
    platform.process.send_signal(signal.SIGINT)
    platform.wait_for(r"stopping:")
    code, seconds = platform.stop(signal.SIGINT)
    assert code == 0
    assert seconds < 4


def test_a_signal_during_the_start_stops_it(start: Start) -> None:
    platform = start()
    platform.wait_for(r"admin key")
    code, seconds = platform.stop()
    assert code == 0
    assert seconds < 10
    assert not list((platform.home / "run").glob("*.pid"))


def test_a_second_start_says_so_and_leaves_the_first_alone(start: Start) -> None:
    first = start()
    first.wait_for(r"ready after")
    before = {name: first.pid(name) for name in [*SERVICES, "postgres", "supervisor"]}
    second = start()
    assert second.process.wait(10) == 1
    assert f"already runs on {first.home} (process {first.process.pid})" in second.output()
    assert {name: first.pid(name) for name in before} == before
    assert all(first.runs(pid) for pid in before.values())


def test_a_taken_port_is_said_before_anything_starts(start: Start, port_base: int) -> None:
    with socket.socket() as other:
        # An earlier test's connections may linger in TIME_WAIT on this port.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", port_base + 3))
        other.listen()
        platform = start()
        assert platform.process.wait(10) == 1
    assert f"port {port_base + 3} (engagement)" in platform.output()
    assert not (platform.home / "postgres").exists()


@tied
def test_nothing_outlives_a_killed_supervisor_and_the_next_start_is_clean(start: Start) -> None:
    first = start("recommend=has_child", "profile=ignores_term")
    first.wait_for(r"ready after")
    pids = [first.pid(name) for name in [*SERVICES, "postgres"]]
    first.process.kill()
    first.process.wait()
    for pid in pids:
        first.wait_until_gone(pid)
    log = (first.home / "logs" / "postgres.log").read_text()
    assert "database system is shut down" in log

    second = start()
    second.wait_for(r"ready after")
    assert "automatic recovery" not in (second.home / "logs" / "postgres.log").read_text()


def test_a_services_own_children_end_with_it(start: Start) -> None:
    platform = start("recommend=has_child")
    child = int(platform.wait_for(r"child (\d+)")[1])
    platform.wait_for(r"ready after")
    os.kill(platform.pid("recommend"), signal.SIGKILL)
    platform.wait_until_gone(child)


def test_the_supervisor_stays_small(start: Start) -> None:
    platform = start()
    platform.wait_for(r"ready after")
    status = Path(f"/proc/{platform.process.pid}/status").read_text()
    resident = re.search(r"VmRSS:\s+(\d+)", status)
    assert resident is not None
    assert int(resident[1]) < 30_000
