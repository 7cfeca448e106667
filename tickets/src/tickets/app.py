"""Composition root: the one place that wires the service."""

from functools import partial
from pathlib import Path

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
from tickets import sweep
from tickets.deleted_sellers import close_listings
from tickets.export import exports
from tickets.files import routes as file_routes
from tickets.files.commands import Files
from tickets.files.readers import FileReader, Readers
from tickets.files.repository import FileRecords
from tickets.files.sealing import BarcodeHashes, FileKeys
from tickets.files.store import Objects
from tickets.files.sweep import Sweep
from tickets.finding.finder import Finder
from tickets.finding.projection import Projection
from tickets.listeners import listeners
from tickets.markup import Markup
from tickets.new_listings import NewListings
from tickets.publishers import publishers
from tickets.repository import Repositories
from tickets.routes import create_router
from tickets.settings import Settings


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    stream: Stream | None = None,
    reader: FileReader | None = None,
) -> FastAPI:
    """Connects nothing before the lifespan starts. The others replace the real ones in tests."""
    database = mongo.connect(settings.mongo_uri, "tickets") if database is None else database
    stream = (
        JetStream(
            settings.nats_url,
            "tickets",
            MARKETPLACE,
            identity=settings.identity("tickets"),
            storage=None,
        )
        if stream is None
        else stream
    )
    repositories = Repositories.over(database, publishers(stream), settings.max_listings)
    new_listings = NewListings(database, settings.listings_per_hour)
    parked = ParkedMessages(database)
    sessions = settings.sessions()
    index = Projection(stream, Path(settings.search_dir)) if settings.search_dir else None
    files = _files(settings, repositories, Readers() if reader is None else reader)
    sweep_files = Sweep(FileRecords(database), files.objects, files.keys)
    service = Service(
        database=database,
        stream=stream,
        collections=[
            repositories.tickets,
            new_listings,
            parked,
            repositories.deleted_users,
            OwnEvents(stream, repositories.tickets, "ticket.>"),
        ],
        relays=[repositories.tickets.relay],
        consumer=Consumer(stream, listeners(repositories), parked),
        replays=[ended_sessions.follow(stream, sessions.ended), *([] if index is None else [index])],
        jobs=[
            lambda: sweep.run(repositories.tickets),
            lambda: repositories.deleted_users.run(partial(close_listings, repositories.tickets)),
            sweep_files.run,
        ],
        on_stop=[files.reader.close, *([] if index is None else [index.close])],
    )
    app = create_http_app(
        "tickets",
        [
            create_export_router("/api/tickets", exports(database)),
            create_router(
                repositories.tickets,
                new_listings,
                Markup(settings.max_markup_percent),
                Finder(repositories.tickets, index),
            ),
            file_routes.create_router(files),
        ],
        service.lifespan,
        service.checks(),
        site=Site(settings.cookie_secure),
        body_limits=file_routes.BODY_LIMITS,
    )
    app.state.sessions = sessions
    return app


def _files(settings: Settings, repositories: Repositories, reader: FileReader) -> Files:
    return Files(
        repositories.tickets,
        repositories.orders,
        Objects(settings.files_url),
        reader,
        FileKeys(settings.files_key),
        BarcodeHashes(settings.barcode_key),
    )
