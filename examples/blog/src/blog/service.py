"""What the services are made of: a replayed state, routes that answer from it, and events that change it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Depends, FastAPI, Response

from blog.events import BLOG, E, Event, read, wire
from blog.settings import Settings
from common.base.errors import Unavailable
from common.http.app import create_http_app
from common.messaging.events import AggregateEvent
from common.messaging.jetstream.stream import JetStream
from common.messaging.publisher import Publisher
from common.messaging.stream import Stored, Stream
from common.messaging.subscriptions.catch_up import CatchUpSubscription, Settle, noop
from common.messaging.subscriptions.hints import Hints, NatsHints
from common.runtime.service import Service

POSITION = "Position"
"""The header that says where in the store a write stands: `?since=` it, another service shows it."""


@dataclass(frozen=True, slots=True)
class Broker:
    stream: Stream
    hints: Hints

    @classmethod
    def at(cls, settings: Settings, name: str) -> "Broker":
        stream = JetStream(settings.nats_url, name, BLOG)
        return cls(stream, NatsHints(settings.nats_url, name))


def replay(
    broker: Broker,
    hears: Sequence[type[AggregateEvent]],
    apply: Callable[[Event], None],
    settle: Settle = noop,
) -> CatchUpSubscription:
    """Gives `apply` every event of those kinds that ever happened, in order, and then each as it happens."""

    def take(stored: Stored) -> None:
        if (event := read(stored)) is not None:
            apply(event)

    return CatchUpSubscription(broker.stream, broker.hints, wire(*hears), take, settle)


def routes(subscription: CatchUpSubscription) -> APIRouter:
    """Routes that answer from the whole state: while it is being replayed 503, never a part of it."""

    async def whole() -> None:
        if not subscription.ready:
            raise Unavailable("Still replaying what happened")

    return APIRouter(dependencies=[Depends(whole)])


async def happened(
    publisher: Publisher[E], event: E, subscription: CatchUpSubscription, response: Response
) -> None:
    """Stores the event, which makes it so, and returns once this process knows of it.

    Raises `errors.Unavailable` when the store didn't confirm: it may have happened or not.
    """
    position = await publisher.publish(event)
    await subscription.reached(position)
    response.headers[POSITION] = str(position)


def create_service(
    name: str, router: APIRouter, broker: Broker, subscription: CatchUpSubscription | None = None
) -> FastAPI:
    """Ready once its state is whole."""
    service = Service(stream=broker.stream, consumer=subscription, on_stop=[broker.hints.close])
    return create_http_app(name, [router], service.lifespan, service.checks())
