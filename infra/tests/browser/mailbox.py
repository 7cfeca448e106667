"""Mails as they arrive in the mailbox of the system under test."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import aiohttp

from infra.verify import target as targets

SECONDS = 15
_LINK = re.compile(r"^http\S+", re.MULTILINE)


def address() -> str:
    return targets.find("infra.tests").url("mailbox")


async def link_to(to: str, subject: str, path: str = "/") -> str:
    """Path and query of a link in the newest mail of this subject to the address, which is awaited.

    path: Beginning of the link's path, of which the mail has one.

    The mail names the edge as a person does, `localhost`; the tests' browser knows it as `127.0.0.1`.
    """
    async with aiohttp.ClientSession() as http, asyncio.timeout(SECONDS):
        while True:
            for mail in await _mails(http):
                if (mail["to"], mail["subject"]) == (to, subject):
                    links = map(urlsplit, _LINK.findall(mail["text"]))
                    (found,) = (link for link in links if link.path.startswith(path))
                    return str(urlunsplit(("", "", found.path, found.query, "")))
            await asyncio.sleep(0.05)


async def _mails(http: aiohttp.ClientSession) -> Sequence[Mapping[str, str]]:
    """The newest first."""
    async with http.get(f"{address()}/mails.json") as answer:
        found: Sequence[Mapping[str, str]] = await answer.json()
        return found
