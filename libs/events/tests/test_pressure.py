"""A consumer that is behind gives way where the processor is contended, and nowhere else."""

from pathlib import Path

import pytest

from perennial_events.pressure import (
    CONTENDED,
    LONGEST_TURN_SECONDS,
    Pressure,
    turn_of_others,
)


@pytest.mark.parametrize(
    ("seconds", "pressure", "turn"),
    [
        (0.2, CONTENDED, 0.4),
        (0.2, CONTENDED - 0.01, 0.0),
        (60.0, 0.9, LONGEST_TURN_SECONDS),
    ],
    ids=["contended", "not-contended", "bounded"],
)
def test_who_gives_way(seconds: float, pressure: float, turn: float) -> None:
    assert turn_of_others(seconds, pressure) == turn


def wait(counters: Path, pressure: Pressure, share: float) -> float:
    """Let a batch pass in which the process waited for this share of its time."""
    ran, waited, _ = map(int, counters.read_text().split())
    counters.write_text(f"{ran + 5_000} {waited + 5_000} 7\n")  # between batches: does not count
    pressure.begin()
    counters.write_text(
        f"{ran + 6_000 - int(share * 1_000)} {waited + 5_000 + int(share * 1_000)} 9\n"
    )
    return pressure.end()


@pytest.fixture
def counters(tmp_path: Path) -> Path:
    path = tmp_path / "schedstat"
    path.write_text("1000 500 7\n")
    return path


def test_one_crowded_batch_is_chance(counters: Path) -> None:
    pressure = Pressure(counters)
    shares = [wait(counters, pressure, share) for share in (0.1, 0.05, 0.3, 0.1, 0.05)]
    assert max(shares) < CONTENDED


def test_a_few_crowded_batches_are_a_crowd(counters: Path) -> None:
    pressure = Pressure(counters)
    shares = [wait(counters, pressure, 0.35) for _ in range(12)]
    assert shares[0] < CONTENDED <= shares[1]
    assert shares[-1] == pytest.approx(0.35, abs=0.02)


def test_a_system_that_does_not_count_is_never_under_pressure(tmp_path: Path) -> None:
    pressure = Pressure(tmp_path / "missing")
    pressure.begin()
    assert pressure.end() == 0.0
