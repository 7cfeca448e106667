"""Composition root: the one place that wires the service."""

from datetime import timedelta
from functools import partial

from fastapi import FastAPI

from common.contract import ended_sessions
from common.contract.stream import MARKETPLACE
from common.http.app import create_http_app
from common.http.cross_site import Site
from common.http.export import create_export_router
from common.messaging.consumer import Consumer
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.persistence import mongo
from common.persistence.mongo import Database
from common.persistence.own_events import OwnEvents
from common.persistence.parked_messages import ParkedMessages
from common.runtime.service import Service
from orders import sweep
from orders.deleted_buyers import cancel_orders
from orders.export import exports
from orders.limits import Limits
from orders.listeners import listeners
from orders.publishers import publishers
from orders.receipts import Receipts
from orders.repository import Repositories
from orders.routes import create_router
from orders.settings import Settings


def create_app(
    settings: Settings, *, database: Database | None = None, stream: Stream | None = None
) -> FastAPI:
    """Connects nothing before the lifespan starts. `database` and `stream` replace the real ones in tests."""
    database = mongo.connect(settings.mongo_uri, "orders") if database is None else database
    stream = (
        JetStream(
            settings.nats_url,
            "orders",
            MARKETPLACE,
            identity=settings.identity("orders"),
            storage=None,
        )
        if stream is None
        else stream
    )
    hold = timedelta(seconds=settings.order_hold_seconds)
    limits = Limits(settings.max_open_orders, timedelta(seconds=settings.reorder_pause_seconds))
    repositories = Repositories.over(database, publishers(stream))
    parked = ParkedMessages(database)
    sessions = settings.sessions()
    service = Service(
        database=database,
        stream=stream,
        collections=[
            *(repositories.orders, repositories.deleted_users, parked),
            OwnEvents(stream, repositories.orders, "order.>"),
        ],
        relays=[repositories.orders.relay],
        consumer=Consumer(stream, listeners(repositories, hold), parked),
        replays=[ended_sessions.follow(stream, sessions.ended)],
        jobs=[
            lambda: sweep.run(repositories.orders, hold),
            lambda: repositories.deleted_users.run(partial(cancel_orders, repositories.orders)),
        ],
    )
    app = create_http_app(
        "orders",
        [
            create_export_router("/api/orders", exports(database)),
            create_router(repositories, hold, Receipts(settings.receipt_keys), limits),
        ],
        service.lifespan,
        service.checks(),
        site=Site(settings.cookie_secure),
    )
    app.state.sessions = sessions
    return app
