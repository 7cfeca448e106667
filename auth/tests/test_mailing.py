"""Mails from a request to the mail server: the service with its sender."""

import asyncio
from collections.abc import AsyncIterator, Callable
from unittest.mock import Mock

import httpx
import pytest
from tests.mail_server import FakeMailServer

from auth.app import create_app
from auth.settings import Settings
from common.persistence.mongo import Database
from common.testing.browser import running
from common.testing.fake_stream import FakeStream

ADA = {"email": "ada@example.test", "password": "correct horse"}


@pytest.fixture
async def mailing(
    settings: Settings, database: Database, stream: FakeStream, hasher: Mock, mail_server: FakeMailServer
) -> AsyncIterator[httpx.AsyncClient]:
    """Client of a service that mails to `mail_server`."""
    settings = settings.model_copy(update={"mail_url": f"smtp://127.0.0.1:{mail_server.port}"})
    async with running(create_app(settings, database=database, stream=stream, hasher=hasher)) as client:
        yield client


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_a_sign_up_is_mailed_from_the_address_and_with_a_link_to_the_site_of_the_settings(
    mailing: httpx.AsyncClient, mail_server: FakeMailServer, settings: Settings
) -> None:
    await mailing.post("/api/users/signup", json=ADA)
    await _until(lambda: bool(mail_server.received))

    ((to, message),) = mail_server.received
    assert to == "ada@example.test"
    assert "<tickets@gittix.test>" in message["From"]
    assert f"{settings.public_url}/auth/confirm?token=" in message.as_string().replace("=\n", "")


async def test_a_user_is_told_that_mails_come_back_until_one_arrives(
    mailing: httpx.AsyncClient, mail_server: FakeMailServer
) -> None:
    mail_server.replies["ada@example.test"] = ["550 5.1.1 no such mailbox", "250 OK"]

    async def bounced() -> bool:
        answer = (await mailing.get("/api/users/currentuser")).json()
        return bool(answer["currentUser"]["bounced"])

    await mailing.post("/api/users/signup", json=ADA)
    async with asyncio.timeout(10):
        while not await bounced():
            await asyncio.sleep(0.01)

    await mailing.post("/api/users/confirmation/request")
    async with asyncio.timeout(10):
        while await bounced():
            await asyncio.sleep(0.01)
    assert len(mail_server.received) == 1
