"""The connection to NATS that everything here uses: one that never gives up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from nats.aio.client import Client

log = logging.getLogger(__name__)

PENDING_BYTES = 16 * 1024 * 1024

Reconnected = Callable[[], Awaitable[None]]
Failed = Callable[[Exception], Awaitable[None]]


async def noted(error: Exception) -> None:
    log.warning("event stream", extra={"error": repr(error)})


async def connect(
    client: Client, url: str, name: str, reconnected: Reconnected, failed: Failed = noted
) -> None:
    """Waits for the broker for as long as it takes. `url`: one server, or several with commas between."""
    with cancellation_kept():
        await client.connect(
            url.split(","),
            name=name,
            max_reconnect_attempts=-1,
            reconnect_time_wait=0.25,  # type: ignore[arg-type]  # it sleeps for it, fractions are fine
            connect_timeout=2,
            ping_interval=10,
            error_cb=failed,
            reconnected_cb=reconnected,
            pending_size=PENDING_BYTES,
        )


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
