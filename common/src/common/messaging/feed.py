"""What is published on the stream from now on, told to every process that follows.

For hints, such as "this ticket changed, look again", and never for state: a message is told at most once, in
no order that can be relied on, perhaps before it is stored, perhaps though the stream refused it. Whoever
needs each message once and in order consumes (`consumer`).

It is a plain subscription to the subjects of the stream, not a consumer of it. A consumer for each process
would cost the broker its state, and in a cluster a leader, for each pod that comes and goes; nats-py's
ordered consumers break with the server's newer ack subjects; and a durable one is shared, so that each
message would reach one process only. The price is that what is published while the connection is away is not
heard. So the follower is told to look again: whenever it begins to hear, and when messages came faster than
it took them. What remains: two servers of a cluster that lose each other while both keep their clients, and
the moment before a new subscription is known to the whole cluster.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg

from common.messaging.jetstream import nats_connection

FLUSH_SECONDS = 5
PENDING_MESSAGES = 65_536

Hear: TypeAlias = Callable[[str, bytes], None]
"""Given the subject and the data of each message. It must not wait."""
LookAgain: TypeAlias = Callable[[], None]
"""Something may not have been heard. It must not wait."""


class Feed(Protocol):
    async def follow(self, subjects: Sequence[str], hear: Hear, look_again: LookAgain) -> None:
        """Waits for the broker for as long as it takes; returns once it hears, having said `look_again`."""
        ...

    def is_up(self) -> bool:
        """Whether what is published now is heard, as far as can be known."""
        ...

    async def close(self) -> None: ...


class NatsFeed:
    """A connection of its own: whoever only listens declares no streams."""

    def __init__(self, url: str, name: str, pending: int = PENDING_MESSAGES) -> None:
        """At most `pending` messages wait to be heard; what comes beyond them is dropped, and looked for."""
        self._url = url
        self._name = name
        self._pending = pending
        self._client = Client()
        self._begun = False
        self._hears = False
        self._look_again: LookAgain = _nothing

    async def follow(self, subjects: Sequence[str], hear: Hear, look_again: LookAgain) -> None:
        async def receive(message: Msg) -> None:
            hear(message.subject, message.data)

        self._look_again, self._begun = look_again, True
        await nats_connection.connect(self._client, self._url, self._name, self._on_reconnect, self._on_error)
        for subject in subjects:
            await self._client.subscribe(subject, cb=receive, pending_msgs_limit=self._pending)
        self._hears = True
        # Once the server has answered it has the subscriptions. If it doesn't, this connection is as good as
        # gone, and the next one looks again too.
        with suppress(nats.errors.Error, TimeoutError):
            await self._client.flush(FLUSH_SECONDS)
        look_again()

    def is_up(self) -> bool:
        return self._hears and self._client.is_connected

    async def close(self) -> None:
        self._hears = False
        # The client can't be closed before its first attempt to connect.
        if self._begun and not self._client.is_closed:
            await self._client.close()

    async def _on_reconnect(self) -> None:
        """Called once the server has the subscriptions again."""
        self._look_again()

    async def _on_error(self, error: Exception) -> None:
        if isinstance(error, nats.errors.SlowConsumerError):
            # Once for each message that was dropped: too many for a line each.
            self._look_again()
        else:
            await nats_connection.noted(error)


def _nothing() -> None:
    """Nobody follows yet."""
