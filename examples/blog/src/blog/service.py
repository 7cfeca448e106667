"""What each of the services is made of: a state, the events that lead to it, and routes that show it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI

from blog.events import STREAM_SUBJECTS, Event, read, wire
from blog.settings import Settings
from common.events import AggregateEvent
from common.feed import Feed, NatsFeed
from common.http.app import create_http_app
from common.jetstream import JetStream
from common.stream import Stored, Stream
from common.tail import Settle, Tail

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Broker:
    stream: Stream
    feed: Feed

    @classmethod
    def at(cls, settings: Settings, name: str) -> "Broker":
        stream = JetStream(settings.nats_url, name, subjects=STREAM_SUBJECTS)
        return cls(stream, NatsFeed(settings.nats_url, name))


async def _nothing() -> None:
    """Nothing follows from the state."""


def create_service(
    name: str,
    router: APIRouter,
    broker: Broker,
    hears: Sequence[type[AggregateEvent]],
    apply: Callable[[Event], None],
    settle: Settle = _nothing,
) -> FastAPI:
    """Ready once `apply` was given every event of those kinds that ever happened."""

    def take(stored: Stored) -> None:
        if (event := read(stored)) is not None:
            apply(event)

    tail = Tail(broker.stream, broker.feed, wire(*hears), take, settle)

    async def replayed() -> bool:
        return tail.ready

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log.critical("this service hears nothing any more", exc_info=task.exception())

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        running = asyncio.create_task(tail.run())
        running.add_done_callback(ended)
        try:
            yield
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await broker.feed.close()
            await broker.stream.close()

    return create_http_app(name, [router], lifespan, {"events": replayed})
