"""What is published on a fake stream, told as it comes; held to the real one by `tests/test_feed.py`."""

from collections.abc import Sequence

from common.messaging.feed import Hear, LookAgain
from common.messaging.stream import Stored
from common.testing.fake_stream import FakeStream, matches


class FakeFeed:
    """`away()` is a connection that is lost, `back()` the next one."""

    def __init__(self, stream: FakeStream) -> None:
        self._stream = stream
        self._following: tuple[Sequence[str], Hear, LookAgain] | None = None

    async def follow(self, subjects: Sequence[str], hear: Hear, look_again: LookAgain) -> None:
        await self._stream.connect()
        self._following = (subjects, hear, look_again)
        self.back()

    def is_up(self) -> bool:
        return self._tell in self._stream.followers

    async def close(self) -> None:
        self.away()

    def away(self) -> None:
        if self.is_up():
            self._stream.followers.remove(self._tell)

    def back(self) -> None:
        if self._following is not None and not self.is_up():
            self._stream.followers.append(self._tell)
            self._following[2]()

    def _tell(self, message: Stored) -> None:
        if self._following is not None:
            subjects, hear, _ = self._following
            if any(matches(pattern, message.subject) for pattern in subjects):
                hear(message.subject, message.data)
