"""The connection to NATS that everything here uses: one that never gives up."""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from nats.aio.client import Client
from nats.errors import AuthorizationError
from nats.protocol.parser import AUTHORIZATION_VIOLATION

from common.base.logs import Repetitions

log = logging.getLogger(__name__)

PENDING_BYTES = 16 * 1024 * 1024

Reconnected = Callable[[], Awaitable[None]]
Failed = Callable[[Exception], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Identity:
    """User of a broker that has users; a broker without users lets it in, too.

    user: Name of the user, such as "tickets"; names its inbox, too.
    seed: Private nkey, "SU…" of 58 characters.
    ca: File with the certificates that the broker's own must be signed by, where its address is `tls://…`;
        "": those that the machine trusts.
    """

    user: str
    seed: str = field(repr=False)
    ca: str = ""

    @property
    def inbox(self) -> str:
        """First token of the subjects of answers to this user, which no other user may subscribe to."""
        return inbox_of(self.user)


def inbox_of(user: str) -> str:
    return f"_INBOX_{user}"


class Reports:
    """Logs a connection's errors; a broker that refuses this process once, and then ever more rarely."""

    def __init__(self) -> None:
        self._refusals = Repetitions()

    async def note(self, error: Exception) -> None:
        if AUTHORIZATION_VIOLATION not in str(error).lower():
            log.warning("event stream", extra={"error": repr(error)})
        elif self._refusals.is_due():
            log.error(
                "the broker refuses this process: NATS_SEED is not set, or not the seed of a user of it"
            )


class PersistentClient(Client):
    """Reconnects, too, after a broker that took another configuration has refused it.

    nats-py closes such a connection for good. The broker's users may change again, or this one's seed be one
    that the broker asked for from that moment on.
    """

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        """Takes no server's word, sent in plain text, that it has no TLS: the client would go on without."""
        server = self._current_server
        if initial_connection and server is not None and server.uri.scheme == "tls":
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    async def _process_err(self, err_msg: str) -> None:
        if AUTHORIZATION_VIOLATION in err_msg.lower():
            await self._process_op_err(AuthorizationError())
        else:
            await super()._process_err(err_msg)


async def connect(
    client: Client,
    url: str,
    name: str,
    reconnected: Reconnected,
    failed: Failed | None = None,
    identity: Identity | None = None,
) -> None:
    """Waits for the broker for as long as it takes.

    url: One server, or several with commas between.
    failed: Receives the connection's errors in place of the log.
    identity: Without it the connection is anonymous, which a broker with users refuses.
    """
    with cancellation_kept():
        await client.connect(
            url.split(","),
            name=name,
            **credentials(identity),
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # it sleeps for it, fractions are fine
            connect_timeout=2,
            ping_interval=10,
            error_cb=failed or Reports().note,
            reconnected_cb=reconnected,
            pending_size=PENDING_BYTES,
        )


def credentials(identity: Identity | None) -> dict[str, Any]:
    """Keywords of nats-py's `connect`."""
    if identity is None:
        return {}
    trust = {"tls": ssl.create_default_context(cafile=identity.ca)} if identity.ca else {}
    return {"nkeys_seed_str": identity.seed, "inbox_prefix": identity.inbox, **trust}


@contextmanager
def cancellation_kept() -> Iterator[None]:
    """Raises a cancellation that came with an answer. Each request of the client belongs into it.

    The client waits by `asyncio.wait_for`, which before Python 3.12 drops such a cancellation: a loop that
    should end would run for ever. https://github.com/python/cpython/issues/86296
    """
    task = asyncio.current_task()
    before = task.cancelling() if task is not None else 0
    yield
    if task is not None and task.cancelling() > before:
        raise asyncio.CancelledError
