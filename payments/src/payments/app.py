"""Composition root: the one place that wires the service."""

from collections.abc import Sequence

from fastapi import APIRouter, FastAPI

from common.base.security import SecurityEvent
from common.contract import ended_sessions
from common.contract.error_codes import ErrorCode
from common.contract.stream import MARKETPLACE
from common.http.app import create_http_app
from common.http.cross_site import Site
from common.http.export import create_export_router
from common.http.security_log import SecurityLog
from common.messaging.consumer import Consumer
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.persistence import mongo
from common.persistence.mongo import Database
from common.persistence.own_events import OwnEvents
from common.persistence.parked_messages import ParkedMessages
from common.runtime.service import Service
from payments import sweep
from payments.balances import Balances
from payments.context import PaymentContext, Timing
from payments.declined_cards import DeclineLimits
from payments.export import exports
from payments.gateway import PaymentGateway
from payments.listeners import listeners
from payments.publishers import publishers
from payments.repository import Repositories
from payments.routes import create_router
from payments.seller_routes import create_seller_router
from payments.settings import Settings
from payments.stripe_gateway import StripeGateway


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    stream: Stream | None = None,
    gateway: PaymentGateway | None = None,
    timing: Timing | None = None,
) -> FastAPI:
    """Builds the app. Connections open when the lifespan starts. The keywords replace the real parts."""
    database = mongo.connect(settings.mongo_uri, "payments") if database is None else database
    stream = (
        JetStream(
            settings.nats_url,
            "payments",
            MARKETPLACE,
            identity=settings.identity("payments"),
            storage=None,
        )
        if stream is None
        else stream
    )
    gateway = gateway_of(settings, database) if gateway is None else gateway
    stores = Repositories.over(database, publishers(stream))
    limits = DeclineLimits(settings.max_declines, settings.max_declines_per_day)
    context = PaymentContext(
        *(stores, gateway, timing or Timing(), limits),
        fee_percent=settings.fee_percent,
        public_url=settings.public_url,
    )
    parked = ParkedMessages(database)
    sessions = settings.sessions()
    service = Service(
        database=database,
        stream=stream,
        collections=[
            stores.payments,
            stores.dues,
            stores.charges,
            stores.attempts,
            stores.declined,
            stores.webhooks,
            gateway,
            parked,
            OwnEvents(stream, stores.payments, "payment.>", "payout.>"),
        ],
        relays=[stores.payments.relay],
        consumer=Consumer(stream, listeners(context), parked),
        replays=[ended_sessions.follow(stream, sessions.ended)],
        jobs=[
            lambda: sweep.run_charges(context),
            lambda: sweep.run_payments(context),
            lambda: sweep.run_dues(context),
        ],
        on_stop=[gateway.close],
    )
    routers = [
        create_export_router("/api/payments", exports(database)),
        create_router(context, settings.stripe_webhook_secret),
        create_seller_router(context, Balances(database, settings.fee_percent)),
        *fake_pages(settings, context),
    ]
    app = create_http_app(
        "payments",
        routers,
        service.lifespan,
        service.checks(),
        site=Site(settings.cookie_secure),
        security_log=SecurityLog({ErrorCode.SIGNATURE_INVALID: SecurityEvent.WEBHOOK_REFUSED}),
    )
    app.state.context = context
    app.state.sessions = sessions
    return app


def gateway_of(settings: Settings, database: Database) -> PaymentGateway:
    if settings.payment_gateway == "fake":
        return _fake_gateway(database)
    return StripeGateway(settings.stripe_key)


def fake_pages(settings: Settings, context: PaymentContext) -> Sequence[APIRouter]:
    """The fake provider's own form for sellers; none with a real provider."""
    if settings.payment_gateway != "fake":
        return ()
    from payments.fake_form import create_form_router

    return (create_form_router(context),)


def _fake_gateway(database: Database) -> PaymentGateway:
    """The fake gateway, which images for production lack."""
    try:
        from payments.fake_gateway import FakeGateway
    except ModuleNotFoundError:
        raise SystemExit("Cannot start: PAYMENT_GATEWAY is fake, and this image is for production") from None
    return FakeGateway(database)
