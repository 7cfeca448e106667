"""Access to the edge for all users: limits the rate and checks every answer."""

import asyncio
import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from infra.actors.api import Api
from infra.actors.person import Person
from infra.verify.chaos.answers import Answer, Explained, is_expected
from infra.verify.chaos.ledger import Ledger

PASSWORD = "a long password of the chaos run"
TIMEOUT = 15.0


def nothing() -> Explained:
    """Explanations for a request that may not be refused: none."""
    return {}


class Shop:
    """Checked access to the edge. `rate`: requests per second of all users together."""

    def __init__(self, edge: str, ledger: Ledger, rate: float) -> None:
        self._api = Api(edge, connections=300, timeout=TIMEOUT)
        self.ledger = ledger
        self._period = 1 / rate
        self._next = 0.0

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def sign_up(self, email: str) -> Person:
        """Sign up a user, before the first fault. Raises Refused."""
        person = await Person.sign_up(self._api, email, PASSWORD)
        self.ledger.users[person.id] = email
        return person

    async def call(
        self,
        account: Person,
        method: str,
        path: str,
        body: Any = None,
        *,
        success: int = 200,
        fields: Collection[str] = (),
        explained: Callable[[], Explained] = nothing,
    ) -> Answer:
        """Send a request and check the answer.

        A success must contain `fields`; `explained` is called after the answer.
        """
        answer = await self.send(account, method, path, body)
        if not is_expected(answer, success, explained()):
            self.ledger.surprise(f"{method} {path} {body or ''}: {answer.status} {answer.body}")
        elif answer.status == success and not _has(answer.body, fields):
            self.ledger.surprise(f"{method} {path}: {answer.status} without {fields}: {answer.body}")
        return answer

    async def sign_in(self, account: Person) -> Answer:
        body = {"email": account.email, "password": PASSWORD}
        return await self.call(account, "POST", "/api/users/signin", body, fields=("id", "email"))

    async def page(self, account: Person, path: str, *, may_be_missing: bool = False) -> None:
        """Read an HTML page, and accept an outage."""
        await self._turn()
        try:
            reply = await self._api.send("GET", path, account.headers)
        except (aiohttp.ClientError, TimeoutError):
            self._count(0)
            return
        status, text = reply.status, reply.content.decode()
        self._count(status)
        is_page = status == 200 or (status == 404 and may_be_missing)
        if status not in (502, 503, 504) and not (is_page and "</html>" in text):
            self.ledger.surprise(f"page {path}: {status} {text[:200]}")

    async def send(self, account: Person, method: str, path: str, body: Any) -> Answer:
        """Send a request; the answer is counted, and not judged. Status 0 where none came."""
        await self._turn()
        try:
            reply = await self._api.send(method, path, account.headers, body)
        except (aiohttp.ClientError, TimeoutError):
            self._count(0)
            return Answer(0)
        self._count(reply.status)
        try:
            found = orjson.loads(reply.content) if reply.content else None
        except ValueError:
            self.ledger.surprise(f"{method} {path}: {reply.status} is no JSON: {reply.content[:200]!r}")
            found = None
        return Answer(reply.status, found)

    def _count(self, status: int) -> None:
        self.ledger.answers[f"{status // 100}xx" if status else "no answer"] += 1

    async def _turn(self) -> None:
        """Wait for the next free moment. Requests that an outage delayed are not made up for."""
        now = time.monotonic()
        self._next = max(self._next + self._period, now)
        self.ledger.requests += 1
        await asyncio.sleep(self._next - now)


def _has(body: Any, fields: Collection[str]) -> bool:
    return not fields or (isinstance(body, dict) and all(field in body for field in fields))
