"""A mail server in this process, which can be away, slow, or refuse an address."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Sequence
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope


class FakeMailServer:
    """`replies`: By address, the replies to RCPT, of which the last one stays; "hang": none.

    kill_at: A count of messages, and the process that is killed before the reply to the last of them.
    lost: Whether it ends each connection after it took a message, before its reply.
    """

    def __init__(self) -> None:
        self.received: list[tuple[str, Message]] = []
        self.replies: dict[str, list[str]] = {}
        self.lost = False
        self.kill_at = (0, 0)
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._open: list[SMTP] = []

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        for each in self._open:
            _abort(each)
        self._open.clear()

    def _protocol(self) -> SMTP:
        self.connections += 1
        protocol = SMTP(self, enable_SMTPUTF8=True, hostname="mail.test")
        self._open.append(protocol)
        return protocol

    async def handle_RCPT(  # noqa: N802 (the library's name)
        self, _server: SMTP, _session: Any, envelope: Envelope, address: str, _options: Sequence[str]
    ) -> str:
        replies = self.replies.get(address, ["250 OK"])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if reply == "hang":
            await asyncio.Event().wait()
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.received.append((envelope.rcpt_tos[0], message_from_bytes(envelope.content)))
        if len(self.received) == self.kill_at[0]:
            os.kill(self.kill_at[1], signal.SIGKILL)
        if self.lost:
            self.lost = False
            _abort(server)
        return "250 OK"

    @property
    def times_received(self) -> Counter[str]:
        """By address."""
        return Counter(to for to, _ in self.received)


def _abort(connection: SMTP) -> None:
    if isinstance(connection.transport, asyncio.Transport):
        connection.transport.abort()
