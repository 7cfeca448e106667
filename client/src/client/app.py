"""Composition root: the one place that wires the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from client import upstream
from client.assets import Assets
from client.emails import Emails
from client.errors import ErrorPages
from client.headers import PAGE_HEADERS
from client.live.pages import Limits, Live
from client.pages import (
    auth,
    crawlers,
    languages,
    listing_form,
    listings,
    live,
    orders,
    payments,
    purchases,
    receipts,
    tickets,
    withdrawals,
)
from client.polling import Polling
from client.rendering import templates
from client.settings import Settings
from client.sign_in import sends_to_sign_in
from client.sitemap import NewestTickets
from client.trailing_slashes import redirects_trailing_slashes
from common.http.app import create_http_app
from common.http.client_address import SignedClientAddress
from common.http.cross_site import Site
from common.messaging.subscriptions.hints import Hints, NatsHints

ROUTERS = (
    auth.router,
    crawlers.router,
    languages.router,
    live.router,
    withdrawals.router,
    listing_form.router,
    purchases.router,
    tickets.router,
    listings.router,
    receipts.router,
    orders.router,
    payments.router,
)


def create_app(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    hints: Hints | None = None,
) -> FastAPI:
    """Wires the app. Opens no connection before the lifespan starts.

    transport: Replaces the network. hints: Replaces NATS.
    """
    if hints is None:
        hints = NatsHints(settings.nats_url, "client", identity=settings.identity("client"))
    open_pages = Live(hints, Limits(settings.live_pages, settings.live_pages_per_address))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        following = asyncio.create_task(open_pages.follow())
        try:
            async with upstream.pool(settings.api_base_url, transport) as app.state.http:
                yield
        finally:
            following.cancel()
            await hints.close()

    # No readiness checks. The edge waits for this service, so this service doesn't wait for the edge. Without
    # the broker every page works; open pages are then updated by a reload only.
    app = create_http_app(
        "client",
        ROUTERS,
        lifespan,
        {},
        site=Site(settings.cookie_secure, settings.public_url),
        headers=PAGE_HEADERS,
        layers=(ErrorPages,),
    )
    assets = Assets()
    app.mount("/static", assets)
    app.state.assets = assets
    app.state.newest_tickets = NewestTickets()
    app.state.emails = Emails()
    app.state.live = open_pages
    app.state.sessions = settings.sessions()
    app.state.api_host = settings.api_host
    app.state.signed_address = SignedClientAddress(settings.client_address_key)
    app.state.stripe_key = settings.stripe_publishable_key
    app.state.templates = templates(assets, settings.order_hold_seconds)
    app.state.polling = Polling()
    app.state.public_url = settings.public_url
    app.state.security_contact = settings.security_contact
    sends_to_sign_in(app)
    redirects_trailing_slashes(app)
    return app
