"""An HTTP client on an app in this process, with its lifespan run, and users that are signed in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.http.session import IssuingSessions
from common.http.session_keys import PrivateKey
from common.http.session_tokens import TokenSigner, TokenVerifier

PRIVATE_KEY = PrivateKey.parse("ed25519:dGVzdHRlc3R0ZXN0dGVzdHRlc3R0ZXN0dGVzdHRlc3Q")
JWT_KEY = PRIVATE_KEY.text
"""As auth has it."""
JWT_PUBLIC_KEYS = PRIVATE_KEY.public.text
"""As the other services have it."""
CLIENT_ADDRESS_KEY = "a key of addresses, of more than thirty-two bytes"


class TestSessions(IssuingSessions):
    """Sessions that begin without the service of users."""

    __slots__ = ()
    __test__ = False

    def token(self, user: CurrentUser) -> str:
        return self.signer.token(user)


def sessions(*, secure: bool = False, port: int | None = None, key: PrivateKey = PRIVATE_KEY) -> TestSessions:
    return TestSessions(TokenVerifier(key.public), secure, port, signer=TokenSigner(key))


SESSIONS = sessions()
BASE_URL = "http://gittix.test"
READY_SECONDS = 15


def a_user(session_id: str = "a session") -> CurrentUser:
    return CurrentUser(new_id(), session_id)


def signed_in(user: CurrentUser | None = None) -> dict[str, str]:
    """The request headers of a user with a session."""
    return {"Cookie": f"{SESSIONS.cookie}={SESSIONS.token(user or a_user())}"}


@asynccontextmanager
async def no_lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Lifespan of an app that opens nothing."""
    yield


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client of `app` while its lifespan runs, once `/readyz` says so. Exceptions become answers."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=BASE_URL) as client,
    ):
        async with asyncio.timeout(READY_SECONDS):
            while (await client.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.001)
        yield client
