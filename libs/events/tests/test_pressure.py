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


def test_pressure_is_the_share_of_waiting_since_the_last_look(tmp_path: Path) -> None:
    counters = tmp_path / "schedstat"
    counters.write_text("1000 500 7\n")
    pressure = Pressure(counters)
    assert pressure.look() == 0.0
    counters.write_text("1600 700 9\n")
    assert pressure.look() == 0.25
    assert pressure.look() == 0.0


def test_a_system_that_does_not_count_is_never_under_pressure(tmp_path: Path) -> None:
    pressure = Pressure(tmp_path / "missing")
    assert pressure.look() == 0.0
