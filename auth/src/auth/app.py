"""Composition root: the one place that wires the service."""

from functools import partial

from fastapi import FastAPI

from auth import consequences, recovery
from auth.context import AccountContext
from auth.devices import Devices
from auth.email_hashes import EmailHashes
from auth.errors import FAILED_SIGN_INS
from auth.hash_queue import HashQueue
from auth.http_session import SessionStarter
from auth.passkeys.challenges import Challenges
from auth.passkeys.relying_party import RelyingParty
from auth.passkeys.routes import create_passkey_router
from auth.passwords import Hasher, Passwords, argon2id
from auth.repository import Repositories
from auth.routes import create_router
from auth.routes_account import create_account_router
from auth.session_ends import NoSessionEnds
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
    hashing = HashQueue(Passwords(argon2id() if hasher is None else hasher))
    party, challenges = RelyingParty.of(settings.public_url), Challenges.derived_from(settings.device_key)
    context = AccountContext(repositories, hashing, NoSessionEnds(), party, challenges)
    service = Service(
        database=database,
        collections=repositories.all,
        jobs=[partial(recovery.work_off, context), partial(consequences.sweep, context)],
    )
    sessions = settings.sessions()
    devices = Devices(settings.device_key, sessions)
    starter = SessionStarter(repositories.users, sessions, devices, settings.require_confirmed_email)
    app = create_http_app(
        "auth",
        [
            create_router(repositories, hashing, starter),
            create_account_router(context, starter),
            create_passkey_router(context, starter),
        ],
        service.lifespan,
        service.checks(),
        site=Site(settings.cookie_secure),
        security_log=SecurityLog(FAILED_SIGN_INS),
    )
    app.state.context = context
    app.state.sessions = sessions
    app.state.signed_address = SignedClientAddress(settings.client_address_key)
    app.state.email_hashes = EmailHashes.derived_from(settings.device_key)
    return app
