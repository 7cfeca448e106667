"""Composition root: the service that sets timers, and the worker that fires them."""

from fastapi import FastAPI

from common.contract.stream import MARKETPLACE
from common.http.app import create_http_app
from common.messaging.consumer import Consumer
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.runtime.service import Service
from expiration import timers, worker
from expiration.listeners import FulfilledListener, OrderCreatedListener
from expiration.publishers import DeadlinePassedPublisher, ExpirationCompletePublisher
from expiration.settings import Settings
from expiration.timers import Timers


def create_app(
    settings: Settings, *, own_timers: Timers | None = None, stream: Stream | None = None
) -> FastAPI:
    """Sets timers. Connects nothing before the lifespan starts; tests replace the timers and the stream."""
    own_timers = Timers(timers.connect(settings.redis_url)) if own_timers is None else own_timers
    stream = (
        JetStream(
            settings.nats_url,
            "expiration",
            MARKETPLACE,
            identity=settings.identity("expiration"),
            storage=None,
        )
        if stream is None
        else stream
    )
    service = Service(
        stream=stream,
        consumer=Consumer(stream, [OrderCreatedListener(own_timers), FulfilledListener(own_timers)]),
        on_stop=[own_timers.close],
    )
    checks = service.checks() | {"timers": own_timers.is_up}
    return create_http_app("expiration", [], service.lifespan, checks)


def create_worker_app(
    settings: Settings, *, own_timers: Timers | None = None, stream: Stream | None = None
) -> FastAPI:
    """The worker as a service: its job, and the health checks by which an orchestrator restarts it."""
    own_timers = Timers(timers.connect(settings.redis_url)) if own_timers is None else own_timers
    if stream is None:
        stream = JetStream(
            settings.nats_url,
            "expiration-worker",
            MARKETPLACE,
            identity=settings.identity("expiration"),
            storage=None,
        )
    publishers = worker.Publishers(ExpirationCompletePublisher(stream), DeadlinePassedPublisher(stream))
    service = Service(
        stream=stream, jobs=[lambda: worker.work(settings, publishers)], on_stop=[own_timers.close]
    )
    checks = service.checks() | {"timers": own_timers.is_up}
    return create_http_app("expiration worker", [], service.lifespan, checks)
