"""Composition root: the one place that wires the service."""

from fastapi import FastAPI

from auth.email_hashes import EmailHashes
from auth.errors import FAILED_SIGN_INS
from auth.passwords import Hasher, HashQueue, Passwords, argon2id
from auth.repository import Repositories
from auth.routes import create_router
from auth.settings import Settings
from common.http.app import create_http_app
from common.http.client_address import SignedClientAddress
from common.http.cross_site import Site
from common.http.security_log import SecurityLog
from common.http.session import Sessions
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
    repositories = Repositories.over(database)
    service = Service(database=database, collections=repositories.all)
    hashing = HashQueue(Passwords(argon2id() if hasher is None else hasher))
    sessions = Sessions(settings.jwt_key, settings.cookie_secure, settings.cookie_port)
    signed_address = SignedClientAddress(settings.jwt_key)
    router = create_router(repositories, hashing, sessions, signed_address)
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
    app.state.email_hashes = EmailHashes.derived_from(settings.jwt_key)
    return app
