"""Composition root: the one place that wires the service."""

from functools import partial

from fastapi import FastAPI

from auth import consequences, recovery
from auth.context import AccountContext
from auth.deletions import Deletions
from auth.devices import Devices
from auth.email_hashes import EmailHashes
from auth.errors import FAILED_SIGN_INS
from auth.export import exports
from auth.hash_queue import HashQueue
from auth.http_session import SessionStarter
from auth.listeners import listeners
from auth.mail.letters import Letters
from auth.mail.postman import Postman
from auth.mail.sender import LANES, Sender
from auth.mail.server import MailServer
from auth.mail.unsubscribing import Unsubscribing
from auth.notices import NoticeContext, NoticeStart, Reminders
from auth.passkeys.challenges import Challenges
from auth.passkeys.relying_party import RelyingParty
from auth.passkeys.routes import create_passkey_router
from auth.passwords import Hasher, Passwords, argon2id
from auth.publishers import publishers
from auth.repository import Repositories
from auth.routes import create_router
from auth.routes_account import create_account_router
from auth.routes_mails import create_mails_router
from auth.routes_sessions import create_sessions_router
from auth.sales import Sales
from auth.sessions import SessionRecords
from auth.settings import Settings
from common.contract import ended_sessions
from common.contract.stream import MARKETPLACE
from common.http.app import create_http_app
from common.http.client_address import SignedClientAddress
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


def create_app(
    settings: Settings,
    *,
    database: Database | None = None,
    stream: Stream | None = None,
    hasher: Hasher | None = None,
) -> FastAPI:
    """Builds the app. Connections open when the lifespan starts.

    database, stream, hasher: Replacements for the real ones.
    """
    database = mongo.connect(settings.mongo_uri, "auth") if database is None else database
    if stream is None:
        identity = settings.identity("auth")
        stream = JetStream(settings.nats_url, "auth", MARKETPLACE, identity=identity, storage=None)
    repositories = Repositories.over(database, settings.limits)
    hashing = HashQueue(Passwords(argon2id() if hasher is None else hasher))
    sessions = settings.sessions()
    emitted = publishers(stream)
    records = SessionRecords(database, emitted, sessions.ended)
    deletions = Deletions(database, emitted)
    party, challenges = RelyingParty.of(settings.public_url), Challenges.derived_from(settings.device_key)
    context = AccountContext(repositories, hashing, records, party, challenges, deletions)
    unsubscribing = Unsubscribing.derived_from(settings.device_key)
    sales, start, parked = Sales(database, stream), NoticeStart(database), ParkedMessages(database)
    notices = NoticeContext(repositories.users, repositories.mails, sales, start)
    service = Service(
        database=database,
        stream=stream,
        collections=[
            *(*repositories.all, records, deletions, sales.orders, start, parked),
            OwnEvents(stream, deletions, "user.>"),
        ],
        relays=[records.relay, deletions.relay, _sender(repositories, settings, unsubscribing)],
        consumer=Consumer(stream, listeners(notices), parked),
        replays=[ended_sessions.follow(stream, sessions.ended)],
        jobs=[
            partial(recovery.work_off, context),
            partial(consequences.sweep, context),
            Reminders(notices).run,
        ],
    )
    devices = Devices(settings.device_key, sessions)
    starter = SessionStarter(repositories.users, records, sessions, devices, settings.require_confirmed_email)
    app = create_http_app(
        "auth",
        [
            create_export_router("/api/users", exports(database)),
            create_router(repositories, hashing, starter),
            create_account_router(context, starter),
            create_sessions_router(starter),
            create_passkey_router(context, starter),
            create_mails_router(repositories.users, unsubscribing),
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


def _sender(repositories: Repositories, settings: Settings, unsubscribing: Unsubscribing) -> Sender:
    server = MailServer.parse(settings.mail_url)
    letters = Letters(settings.mail_from, settings.public_url, unsubscribing)
    return Sender(repositories.mails, repositories.users, letters, [Postman(server) for _ in range(LANES)])
