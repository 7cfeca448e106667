"""Composition root: the one place that wires the service."""

from fastapi import FastAPI

from auth.devices import Devices
from auth.email_hashes import EmailHashes
from auth.errors import FAILED_SIGN_INS
from auth.hash_queue import HashQueue
from auth.passwords import Hasher, Passwords, argon2id
from auth.repository import Repositories
from auth.routes import create_router
from auth.settings import Settings
from common.http.app import create_http_app
from common.http.client_address import SignedClientAddress
from common.http.cross_site import Site
from common.http.security_log import SecurityLog
from common.persistence import mongo
from common.persistence.mongo import Database
from common.runtime.service import Service


def create_app(
    settings: Settings, *, database: Database | None = None, hasher: Hasher | None = None
) -> FastAPI:
    """Builds the app. Connections open when the lifespan starts.

    database, hasher: Replacements for the real ones.
    """
    database = mongo.connect(settings.mongo_uri, "auth") if database is None else database
    repositories = Repositories.over(database, settings.limits)
    service = Service(database=database, collections=repositories.all)
    hashing = HashQueue(Passwords(argon2id() if hasher is None else hasher))
    sessions = settings.sessions()
    devices = Devices(settings.device_key, sessions)
    signed_address = SignedClientAddress(settings.client_address_key)
    router = create_router(repositories, hashing, sessions, devices, signed_address)
    app = create_http_app(
        "auth",
        [router],
        service.lifespan,
        service.checks(),
        site=Site(settings.cookie_secure),
        security_log=SecurityLog(FAILED_SIGN_INS),
    )
    app.state.sessions = sessions
    app.state.signed_address = signed_address
    app.state.email_hashes = EmailHashes.derived_from(settings.device_key)
    return app
