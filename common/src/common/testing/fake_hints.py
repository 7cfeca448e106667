"""Hints of a fake stream. `common/tests/messaging/test_hints.py` holds them to the real ones."""

from collections.abc import Sequence

from common.messaging.stream import Stored
from common.messaging.subscriptions.hints import OnGap, OnMessage
from common.testing.fake_stream import FakeStream, matches


class FakeHints:
    """`away()` loses the connection, `back()` makes the next one."""

    def __init__(self, stream: FakeStream) -> None:
        self._stream = stream
        self._subscription: tuple[Sequence[str], OnMessage, OnGap] | None = None

    async def subscribe(self, subjects: Sequence[str], on_message: OnMessage, on_gap: OnGap) -> None:
        await self._stream.connect()
        self._subscription = (subjects, on_message, on_gap)
        self.back()

    def is_up(self) -> bool:
        return self._notify in self._stream.followers

    async def close(self) -> None:
        self.away()

    def away(self) -> None:
        if self.is_up():
            self._stream.followers.remove(self._notify)

    def back(self) -> None:
        if self._subscription is not None and not self.is_up():
            self._stream.followers.append(self._notify)
            self._subscription[2]()

    def _notify(self, message: Stored) -> None:
        if self._subscription is not None:
            subjects, on_message, _ = self._subscription
            if any(matches(pattern, message.subject) for pattern in subjects):
                on_message(message.subject, message.data)
