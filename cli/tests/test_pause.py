"""The pause before a restart."""

from perennial_cli.supervisor.pause import Pause


def test_doubles_up_to_ten_seconds() -> None:
    pause = Pause()
    pauses = [pause.after(ran_for=1.0) for _ in range(8)]
    assert pauses == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_begins_anew_after_thirty_seconds_of_health() -> None:
    pause = Pause()
    for _ in range(5):
        pause.after(ran_for=1.0)
    assert pause.after(ran_for=30.0) == 0.2
    assert pause.after(ran_for=1.0) == 0.4
