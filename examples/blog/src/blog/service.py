"""Parts of the services: a replayed state, routes that respond from it, and events that change it."""

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
"""Header with a write's position in the store. A read with `?since=` that position includes the write."""


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
    events: Sequence[type[AggregateEvent]],
    apply: Callable[[Event], None],
    settle: Settle = noop,
) -> CatchUpSubscription:
    """Calls `apply` with all stored events of these types, in order, and then with each new one."""

    def take(stored: Stored) -> None:
        if (event := read(stored)) is not None:
            apply(event)

    return CatchUpSubscription(broker.stream, broker.hints, wire(*events), take, settle)


def routes(subscription: CatchUpSubscription) -> APIRouter:
    """Router of routes that need the whole state: 503 while it is being replayed."""

    async def whole() -> None:
        if not subscription.ready:
            raise Unavailable("Still replaying what happened")

    return APIRouter(dependencies=[Depends(whole)])


async def happened(
    publisher: Publisher[E], event: E, subscription: CatchUpSubscription, response: Response
) -> None:
    """Stores the event, and returns once this process has applied it. The stored event is the write.

    Sets the header POSITION. Raises `errors.Unavailable` if the store did not confirm: then the event may or
    may not be stored.
    """
    position = await publisher.publish(event)
    await subscription.reached(position)
    response.headers[POSITION] = str(position)


def create_service(
    name: str, router: APIRouter, broker: Broker, subscription: CatchUpSubscription | None = None
) -> FastAPI:
    """The app of a service. It is ready once its state is whole."""
    service = Service(stream=broker.stream, consumer=subscription, on_stop=[broker.hints.close])
    return create_http_app(name, [router], service.lifespan, service.checks())
