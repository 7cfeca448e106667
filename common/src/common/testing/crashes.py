"""Ends the process at a crash point, exactly there: nothing is caught, flushed or closed."""

import os
import signal
from collections.abc import Sequence

from common.base import crash_points


def die_at(point: str, passes: int = 1, points: Sequence[str] = crash_points.POINTS) -> None:
    """End this process with SIGKILL as it passes `point` for the given time: the first is 1.

    points: Valid names. A test adds the names of the points that only its own code passes. Raises ValueError
    for another point, and for fewer passes than one.
    """
    if point not in points or passes < 1:
        raise ValueError(f"no crash point: {point}, {passes}")
    left = passes

    def passed(name: str) -> None:
        nonlocal left
        left -= name == point
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    crash_points.on_each(passed)
