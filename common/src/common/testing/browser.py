"""An HTTP client on an app in this process, with its lifespan run, and users that are signed in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from common.base.identity import CurrentUser
from common.base.ids import new_id
from common.http.session import Sessions

JWT_KEY = "a key for tests, of more than thirty-two bytes"
SESSIONS = Sessions(JWT_KEY, secure=False)
BASE_URL = "http://gittix.test"
READY_SECONDS = 15


def a_user(email: str = "ada@example.test") -> CurrentUser:
    return CurrentUser(new_id(), email)


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
