"""The laptop's mailbox: what came in over SMTP is found on its page, safely."""

import asyncio
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import TypeAlias

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from infra.mailbox.page import create_page
from infra.mailbox.smtp import MAX_BYTES, protocol
from infra.mailbox.store import Store

Client: TypeAlias = TestClient[web.Request, web.Application]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "mail", most=3)


@pytest.fixture
async def client(store: Store) -> AsyncIterator[Client]:
    async with TestClient(TestServer(create_page(store))) as client:
        yield client


def message(
    subject: str = "Hello", html: str | None = "<p>Words</p>", to: str = "ada@shop.test"
) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "shop@shop.test", to, subject
    made.set_content("Words\n\nhttps://shop.test/auth/confirm?token=x\n")
    if html is not None:
        made.add_alternative(html, subtype="html")
    return made


async def send(store: Store, *messages: EmailMessage) -> None:
    """Over a real connection."""
    server = await asyncio.get_running_loop().create_server(partial(protocol, store), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for each in messages:
                smtp.send_message(each)

    try:
        await asyncio.to_thread(deliver)
    finally:
        server.close()
        await server.wait_closed()


async def text(client: Client, path: str) -> str:
    async with client.get(path) as answer:
        assert answer.status == 200
        return await answer.text()


async def test_a_mail_is_listed_and_shown_as_text_and_as_html(store: Store, client: Client) -> None:
    assert "None yet" in await text(client, "/")

    await send(store, message("您好 & <b>"))

    assert "您好 &amp; &lt;b&gt;" in await text(client, "/")
    shown = await text(client, "/1")
    assert 'href="https://shop.test/auth/confirm?token=x"' in shown
    assert "<p>Words</p>" not in shown
    assert (await text(client, "/1/html")).endswith("<p>Words</p>\r\n")


async def test_programs_read_the_mails_as_json_the_newest_first(store: Store, client: Client) -> None:
    await send(store, message("One"), message("Two", html=None))

    async with client.get("/mails.json") as answer:
        newest, oldest = await answer.json()

    assert (newest["subject"], oldest["subject"]) == ("Two", "One")
    assert (newest["to"], newest["from"]) == ("ada@shop.test", "shop@shop.test")
    assert "token=x" in newest["text"]


async def test_the_newest_mails_are_kept_over_a_restart(store: Store, tmp_path: Path) -> None:
    await send(store, *(message(str(n)) for n in range(5)))

    again = Store(tmp_path / "mail", most=3)
    assert [mail.message["subject"] for mail in again.all()] == ["4", "3", "2"]
    await send(again, message("next"))
    assert [mail.message["subject"] for mail in again.all()] == ["next", "4", "3"]


@pytest.mark.parametrize(
    "content",
    [
        b"\r\n",
        b"From: <\r\n\r\nWords",
        b"From: @\r\nTo: =?utf-8?q?=0a?= <a@b>\r\n\r\nWords",
        b'To: "\r\n\r\nWords',
        b"To: " + b"(" * 5_000 + b"\r\n\r\nWords",
        b"Message-ID: <>\r\n\r\nWords",
        b"To: a@[\r\nDate: nonsense\r\n\r\nWords",
        b"Subject: =?utf-7?q?+2AA-?=\r\n\r\nWords",
        b"Content-Type: text/plain; charset=utf-7\r\n\r\n+2AA-",
        b'Content-Type: text/plain; charset="utf-8\x00"\r\n\r\nWords',
    ],
)
async def test_a_mail_that_cannot_be_read_hides_no_other(
    store: Store, client: Client, content: bytes
) -> None:
    await send(store, message("Before"))
    store.add(content)

    assert "Before" in await text(client, "/")
    assert "Before" in await text(client, "/mails.json")
    for path in ("/2", "/2/html"):
        await text(client, path)


async def test_the_html_of_a_mail_runs_no_script_and_loads_nothing(store: Store, client: Client) -> None:
    await send(store, message(html='<script>fetch("/")</script><img src="https://tracker.test/x">'))

    async with client.get("/1/html") as answer:
        policy = answer.headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "allow-same-origin" not in policy


async def test_a_page_of_another_name_for_this_machine_is_refused(store: Store, client: Client) -> None:
    await send(store, message())
    for host, status in (("evil.test", 403), ("localhost:1", 200), ("127.0.0.1", 200), ("[::1", 403)):
        async with client.get("/mails.json", headers={"Host": host}) as answer:
            assert answer.status == status, host


@pytest.mark.parametrize("path", ["/2", "/0", "/x", "/1/x", "/999999999"])
async def test_there_is_nothing_else(store: Store, client: Client, path: str) -> None:
    await send(store, message())
    async with client.get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: \xff\nContent-Type: text/plain; charset=none-such\n\nx",
        b"Content-Type: multipart/alternative; boundary=x\n\n--x",
        b"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: base64\n\n%%%",
        b"To: " + b"a@b.test, " * 100 + b"\n\n",
    ],
)
async def test_a_mail_that_is_none_does_not_hide_the_others(
    store: Store, client: Client, content: bytes
) -> None:
    store.add(content)
    await send(store, message("Whole"))

    assert "Whole" in await text(client, "/")
    for path in ("/mails.json", "/1", "/1/html", "/2"):
        await text(client, path)


async def test_a_mail_that_is_too_long_is_refused(store: Store) -> None:
    with pytest.raises(smtplib.SMTPException):
        await send(store, message("x" * 10, html="x" * MAX_BYTES))
    assert store.numbers() == []


def test_only_its_owner_can_read_the_folder(tmp_path: Path) -> None:
    Store(tmp_path / "mail")
    assert (tmp_path / "mail").stat().st_mode & 0o077 == 0


async def test_an_address_of_the_refused_domain_is_refused_for_good(store: Store) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        await send(store, message("Bounces", to="ada@refused.test"))

    assert refusal.value.recipients["ada@refused.test"][0] == 550
    assert store.numbers() == []
