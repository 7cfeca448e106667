"""The one place of wiring: health over HTTP, and the consumer that sets timers."""

from fastapi import FastAPI

from common.consumer import Consumer
from common.http.app import create_http_app
from common.jetstream import JetStream
from common.service import Service
from common.stream import Stream
from expiration import timers
from expiration.listeners import OrderCreatedListener
from expiration.settings import Settings
from expiration.timers import Timers


def create_app(
    settings: Settings, *, own_timers: Timers | None = None, stream: Stream | None = None
) -> FastAPI:
    """Nothing connects before the lifespan starts. The others stand in for the real ones."""
    own_timers = Timers(timers.connect(settings.redis_url)) if own_timers is None else own_timers
    stream = JetStream(settings.nats_url, "expiration") if stream is None else stream
    service = Service(
        stream=stream,
        consumer=Consumer(stream, [OrderCreatedListener(own_timers)]),
        on_stop=[own_timers.close],
    )
    checks = service.checks() | {"timers": own_timers.is_up}
    return create_http_app("expiration", [], service.lifespan, checks)
