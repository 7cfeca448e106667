"""Record ids: 24 hexadecimal digits that grow with time, so that a key also orders by creation.

The shape of MongoDB's ObjectId: 4 bytes of seconds since 1970, 5 random bytes of the process, 3 bytes of a
counter (https://www.mongodb.com/docs/manual/reference/bson-types/#objectid).
"""

import os
import re
import secrets
import time
from datetime import UTC, datetime
from itertools import count

_SHAPE = re.compile(r"[0-9a-f]{24}")
_COUNTER_VALUES = 1 << 24


class _Process:
    """The random bytes and the counter of one process."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._random = secrets.token_hex(5)
        self._counter = count(secrets.randbelow(_COUNTER_VALUES))

    def new_id(self) -> str:
        return f"{int(time.time()):08x}{self._random}{next(self._counter) % _COUNTER_VALUES:06x}"


_process = _Process()
# Without it, a forked child would make the ids that its parent and its siblings make.
os.register_at_fork(after_in_child=_process.begin)


def new_id() -> str:
    return _process.new_id()


def is_id(text: str) -> bool:
    return _SHAPE.fullmatch(text) is not None


def made_at(record_id: str) -> datetime:
    """When the id was made, to the second."""
    return datetime.fromtimestamp(int(record_id[:8], 16), UTC)
