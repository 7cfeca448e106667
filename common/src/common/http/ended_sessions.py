"""Sessions that ended before their tokens expired: a set in memory, for a look at each request.

20 bytes a session, so that a million of them fit into each process: ids and times stand one behind the other
in a few thousand arrays of bytes, since an object each would take five times as much.
"""

import binascii
import struct
from base64 import urlsafe_b64decode
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from time import time

from prometheus_client import Gauge

from common.http.session_tokens import LIFETIME

_ENDED = Gauge("ended_sessions", "Sessions that ended before their tokens expired, known to this process")

ID_BYTES = 16
ID_LENGTH = 22
"""Characters of an id: base64url of its bytes."""
BUCKETS = 4096
_TIME = struct.Struct(">I")
_SIZE = ID_BYTES + _TIME.size


class EndedSessions:
    """life: Of a token. A session that ended longer ago is forgotten: no token of it is good any more."""

    def __init__(self, life: timedelta = LIFETIME) -> None:
        self.life = life
        self._buckets = [bytearray() for _ in range(BUCKETS)]
        self._swept = 0
        self._watchers: list[Callable[[str], None]] = []

    def add(self, session_id: str, at: float) -> None:
        """Ends a session. Again, or with the id of no session: nothing.

        at: When it ended, in seconds since 1970.
        """
        key = key_of(session_id)
        if key is None or at + self.life.total_seconds() <= time() or session_id in self:
            return
        self._bucket(key).extend(key + _TIME.pack(int(at)))
        _ENDED.inc()
        self._forget_some(self._bucket(key))
        for watcher in self._watchers:
            watcher(session_id)

    def watch(self, watcher: Callable[[str], None]) -> None:
        """Calls `watcher` with the id of each session that ends from now on. It must not block or raise."""
        self._watchers.append(watcher)

    def __contains__(self, session_id: str) -> bool:
        key = key_of(session_id)
        if key is None:
            return False
        bucket = self._bucket(key)
        at = bucket.find(key)
        # Bytes of two neighbours that look like a third id are none.
        while at > 0 and at % _SIZE:
            at = bucket.find(key, at + 1)
        return at >= 0

    def __len__(self) -> int:
        return sum(map(len, self._buckets)) // _SIZE

    def _bucket(self, key: bytes) -> bytearray:
        return self._buckets[key[0] << 4 | key[1] >> 4]

    def _forget_some(self, own: bytearray) -> None:
        """Forgets what is over in two of the arrays: all are visited in turn, at the cost of no pause."""
        self._swept = (self._swept + 1) % BUCKETS
        for bucket in (own, self._buckets[self._swept]):
            self._forget_first(bucket)

    def _forget_first(self, bucket: bytearray) -> None:
        oldest, end = time() - self.life.total_seconds(), 0
        while end < len(bucket) and _TIME.unpack_from(bucket, end + ID_BYTES)[0] < oldest:
            end += _SIZE
        if end:
            del bucket[:end]
            _ENDED.dec(end // _SIZE)


@lru_cache(maxsize=4096)
def key_of(session_id: str) -> bytes | None:
    """The bytes of a session's id; None for any other text, such as the id of an old release's session."""
    if len(session_id) != ID_LENGTH:
        return None
    try:
        key = urlsafe_b64decode(session_id + "==")
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == ID_BYTES else None
