"""Named places between which a crash makes a difference.

Passing one does nothing. A test sets what happens there: `common.testing.crashes`, which no image for
production has.

| point         | what is done, and what isn't                           |
| ------------- | ------------------------------------------------------ |
| before-write  | a change is decided; neither it nor its event is stored |
| after-write   | both are stored; the event is not published            |
| after-publish | the event is in the stream, and in the outbox still    |
| after-clear   | the event is out of the outbox                         |
| before-ack    | a handler's effect is stored; its message is not acked |
"""

from collections.abc import Callable

POINTS = ("before-write", "after-write", "after-publish", "after-clear", "before-ack")

_passed: Callable[[str], None] | None = None


def on_each(passed: Callable[[str], None] | None) -> None:
    """Set what is called with the name of each point that is passed; None for nothing."""
    global _passed
    _passed = passed


def reached(point: str) -> None:
    if _passed is not None:
        _passed(point)
