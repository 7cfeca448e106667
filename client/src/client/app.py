"""Composition root: the one place that wires the service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from client import uploads, upstream
from client.assets import Assets
from client.emails import Emails
from client.errors import ErrorPages
from client.headers import PAGE_HEADERS
from client.live.pages import Limits, Live
from client.pages import (
    account,
    auth,
    claims,
    crawlers,
    deletion,
    files,
    languages,
    listing_form,
    listings,
    live,
    mailed_links,
    orders,
    own_data,
    passkeys,
    payments,
    payouts,
    purchases,
    receipts,
    sales,
    tickets,
    unsubscribing,
    withdrawals,
    words,
)
from client.polling import Polling
from client.rendering import templates
from client.settings import Settings
from client.sign_in import sends_to_sign_in
from client.sitemap import NewestTickets
from client.trailing_slashes import redirects_trailing_slashes
from common.contract import ended_sessions
from common.contract.stream import MARKETPLACE
from common.http.app import create_http_app
from common.http.client_address import SignedClientAddress
from common.http.cross_site import Site
from common.messaging.jetstream.stream import JetStream
from common.messaging.stream import Stream
from common.messaging.subscriptions.follow import FollowSubscription
from common.messaging.subscriptions.hints import Hints, NatsHints

ROUTERS = (
    auth.router,
    crawlers.router,
    languages.router,
    live.router,
    withdrawals.router,
    listing_form.router,
    purchases.router,
    files.router,
    tickets.router,
    listings.router,
    own_data.router,
    account.router,
    deletion.router,
    mailed_links.router,
    unsubscribing.router,
    passkeys.router,
    receipts.router,
    claims.router,
    payouts.router,
    sales.router,
    orders.router,
    payments.router,
    words.router,
)


def create_app(
    settings: Settings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    hints: Hints | None = None,
    stream: Stream | None = None,
) -> FastAPI:
    """Wires the app. Opens no connection before the lifespan starts.

    transport: Replaces the network. hints, stream: Replace NATS.
    """
    identity = settings.identity("client")
    if hints is None:
        hints = NatsHints(settings.nats_url, "client", identity=identity)
    if stream is None:
        stream = JetStream(settings.nats_url, "client", MARKETPLACE, None, identity=identity, waits=False)
    sessions = settings.sessions()
    ended = ended_sessions.follow(stream, sessions.ended)
    limits = Limits(settings.live_pages, settings.live_pages_per_address)
    open_pages = Live(hints, limits, sessions.ended)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        following = [asyncio.create_task(job) for job in (open_pages.follow(), _replay(stream, ended))]
        try:
            async with upstream.pool(settings.api_base_url, transport) as app.state.http:
                yield
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            await hints.close()
            await stream.close()

    async def knows_ended_sessions() -> bool:
        return ended.ready

    # The edge waits for this service, so this service doesn't wait for the edge. Once it is ready, every page
    # works without the broker; open pages are then updated by a reload only.
    app = create_http_app(
        "client",
        ROUTERS,
        lifespan,
        {"ended sessions": knows_ended_sessions},
        site=Site(settings.cookie_secure, settings.public_url),
        headers=PAGE_HEADERS,
        layers=(ErrorPages,),
        body_limits=uploads.BODY_LIMITS,
    )
    assets = Assets()
    app.mount("/static", assets)
    app.state.assets = assets
    app.state.newest_tickets = NewestTickets()
    app.state.emails = Emails()
    app.state.live = open_pages
    app.state.sessions = sessions
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


async def _replay(stream: Stream, subscription: FollowSubscription) -> None:
    await stream.connect()
    await subscription.run()
