"""Python's collector of reference cycles, set for a server that handles thousands of small objects at once."""

import gc

YOUNG_OBJECTS = 10_000
"""New containers between two looks for cycles. One batch of events makes more of them than Python's own 700,
and nearly all are gone by themselves: looking a dozen times a batch took half of its time."""


def collect_seldom() -> None:
    """Leave what the service is made of out of every later look, and look less often.

    To be called once, when everything is imported and put together.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
