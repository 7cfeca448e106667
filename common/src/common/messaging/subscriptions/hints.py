"""Notifications of what is published on the stream from now on, to every process that subscribes.

For hints, such as "this ticket changed, look again", never for state: a message arrives at most once, in no
reliable order, perhaps before it is stored, perhaps although the stream refused it. A service that needs
each message once and in order uses a durable consumer (`consumer`).

This is a plain NATS subscription to the stream's subjects. A JetStream consumer for each process would cost
the broker its state, and in a cluster a leader, for each pod that comes and goes; nats-py's ordered consumers
read fixed positions of the ack subject, which a server setting changes; a durable consumer is shared, so each
message would reach one process only.

The price: messages that are published while the connection is down are lost. Therefore `on_gap` is called
whenever the subscription begins or begins again, and when messages came faster than they were taken. Two
cases remain unnoticed: servers of a cluster that lose each other while both keep their clients, and the
moment before a new subscription is known to the whole cluster.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol, TypeAlias

import nats.errors
from nats.aio.msg import Msg

from common.messaging import nats_connection
from common.messaging.nats_connection import Identity, PersistentClient

FLUSH_SECONDS = 5
PENDING_MESSAGES = 65_536

OnMessage: TypeAlias = Callable[[str, bytes], None]
"""Receives the subject and the data of each message. Must not block."""
OnGap: TypeAlias = Callable[[], None]
"""Called when messages may have been missed. Must not block."""


class Hints(Protocol):
    async def subscribe(self, subjects: Sequence[str], on_message: OnMessage, on_gap: OnGap) -> None:
        """Waits for the broker without limit; returns once it is subscribed and has called `on_gap`."""
        ...

    def is_up(self) -> bool:
        """Whether messages that are published now arrive, as far as the client knows."""
        ...

    async def close(self) -> None: ...


class NatsHints:
    """Subscribes over a connection of its own, and declares no streams."""

    def __init__(
        self,
        url: str,
        name: str,
        pending: int = PENDING_MESSAGES,
        identity: Identity | None = None,
    ) -> None:
        """
        pending: Messages that may wait to be taken; further ones are dropped, and `on_gap` is called.
        identity: The broker's user that may subscribe to the subjects; None where the broker has no users.
        """
        self._url = url
        self._name = name
        self._pending = pending
        self._identity = identity
        self._client = PersistentClient()
        self._reports = nats_connection.Reports()
        self._begun = False
        self._receives = False
        self._on_gap: OnGap = _noop

    async def subscribe(self, subjects: Sequence[str], on_message: OnMessage, on_gap: OnGap) -> None:
        async def receive(message: Msg) -> None:
            on_message(message.subject, message.data)

        self._on_gap, self._begun = on_gap, True
        await nats_connection.connect(
            self._client, self._url, self._name, self._on_reconnect, self._on_error, self._identity
        )
        for subject in subjects:
            await self._client.subscribe(subject, cb=receive, pending_msgs_limit=self._pending)
        self._receives = True
        # The server has the subscriptions once it answers. Without an answer the connection is lost, and the
        # next one calls `on_gap` again.
        with suppress(nats.errors.Error, TimeoutError), nats_connection.cancellation_kept():
            await self._client.flush(FLUSH_SECONDS)
        on_gap()

    def is_up(self) -> bool:
        return self._receives and self._client.is_connected

    async def close(self) -> None:
        self._receives = False
        # The client can't be closed before its first attempt to connect.
        if self._begun and not self._client.is_closed:
            await self._client.close()

    async def _on_reconnect(self) -> None:
        """Called once the server has the subscriptions again."""
        self._on_gap()

    async def _on_error(self, error: Exception) -> None:
        if isinstance(error, nats.errors.SlowConsumerError):
            # Once for each message that was dropped: too many for a line each.
            self._on_gap()
        else:
            await self._reports.note(error)


def _noop() -> None:
    """Stands in until `subscribe` is called."""
