"""Where a test may end a process, exactly there: the places between which a crash makes a difference.

Set in the environment that a process starts with, `GITTIX_CRASH_POINT=NAME` or `NAME:N` ends it with SIGKILL
as it passes that point for the first or the Nth time: nothing is caught, flushed or closed. Without it
passing a point does nothing. No request, message or setting can arm one.

| point         | what is done, and what isn't                           |
| ------------- | ------------------------------------------------------ |
| before-write  | a change is decided; neither it nor its event is stored |
| after-write   | both are stored; the event is not published            |
| after-publish | the event is in the stream, and in the outbox still    |
| after-clear   | the event is out of the outbox                         |
| before-ack    | a handler's effect is stored; its message is not acked |
"""

import os
import signal
from collections.abc import Sequence

VARIABLE = "GITTIX_CRASH_POINT"
POINTS = ("before-write", "after-write", "after-publish", "after-clear", "before-ack")

_armed = ""
_passes_left = 0


def arm(spec: str, points: Sequence[str] = POINTS) -> None:
    """For this process: `NAME` or `NAME:N`; nothing for the empty string. Stops on anything else.

    points: Valid names. A test adds the names of the points that only its own code passes.
    """
    global _armed, _passes_left
    name, _, nth = spec.partition(":")
    if spec and (name not in points or not (nth or "1").isdecimal() or int(nth or 1) < 1):
        raise SystemExit(f"Cannot start: set {VARIABLE} to one of {', '.join(points)}, with :N or without")
    _armed, _passes_left = name, int(nth or 1)


def reached(point: str) -> None:
    if point == _armed:
        _pass()


def _pass() -> None:
    global _passes_left
    _passes_left -= 1
    if _passes_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


arm(os.environ.get(VARIABLE, ""))
