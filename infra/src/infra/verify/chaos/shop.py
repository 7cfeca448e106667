"""One way to the edge for all users: at a bounded rate, and every answer is looked at."""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import aiohttp

from infra.verify.chaos.answers import Answer, Explained, is_expected
from infra.verify.chaos.ledger import Ledger
from infra.verify.load.api import edge_headers

PASSWORD = "a long password of the chaos run"
TIMEOUT = 15.0


@dataclass(frozen=True, slots=True)
class Account:
    id: str
    email: str
    cookie: str


def nothing() -> Explained:
    """No refusal is explained."""
    return {}


class Shop:
    """`rate` is in requests per second, of all users together."""

    def __init__(self, edge: str, ledger: Ledger, rate: float) -> None:
        self._edge = edge
        self.ledger = ledger
        self._period = 1 / rate
        self._next = 0.0

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            self._edge,
            connector=aiohttp.TCPConnector(limit=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=edge_headers(),
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def sign_up(self, email: str) -> Account:
        """Before the first fault: raises if it is refused."""
        body = {"email": email, "password": PASSWORD}
        async with self._session.post("/api/users/signup", json=body) as response:
            response.raise_for_status()
            cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in response.cookies.items())
            user_id = (await response.json())["id"]
        self.ledger.users[user_id] = email
        return Account(user_id, email, cookie)

    async def call(
        self,
        account: Account,
        method: str,
        path: str,
        body: Any = None,
        *,
        success: int = 200,
        fields: Collection[str] = (),
        explained: Callable[[], Explained] = nothing,
    ) -> Answer:
        """`fields` have to be in the answer of a success; `explained` is asked after the answer came."""
        answer = await self._send(account, method, path, body)
        if not is_expected(answer, success, explained()):
            self.ledger.surprise(f"{method} {path} {body or ''}: {answer.status} {answer.body}")
        elif answer.status == success and not _has(answer.body, fields):
            self.ledger.surprise(f"{method} {path}: {answer.status} without {fields}: {answer.body}")
        return answer

    async def sign_in(self, account: Account) -> Answer:
        body = {"email": account.email, "password": PASSWORD}
        return await self.call(account, "POST", "/api/users/signin", body, fields=("id", "email"))

    async def page(self, account: Account, path: str, *, may_be_missing: bool = False) -> None:
        """A page for people: HTML, or an outage."""
        await self._turn()
        try:
            async with self._session.get(path, headers={"Cookie": account.cookie}) as response:
                status, text = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError):
            self._count(0)
            return
        self._count(status)
        is_page = status == 200 or (status == 404 and may_be_missing)
        if status not in (502, 503, 504) and not (is_page and "</html>" in text):
            self.ledger.surprise(f"page {path}: {status} {text[:200]}")

    async def _send(self, account: Account, method: str, path: str, body: Any) -> Answer:
        await self._turn()
        headers = {"Cookie": account.cookie}
        try:
            async with self._session.request(method, path, json=body, headers=headers) as response:
                status, text = response.status, await response.text()
                found = await response.json(content_type=None) if text else None
        except ValueError:
            self.ledger.surprise(f"{method} {path}: {status} is no JSON: {text[:200]}")
            found = None
        except (aiohttp.ClientError, TimeoutError):
            self._count(0)
            return Answer(0)
        self._count(status)
        return Answer(status, found)

    def _count(self, status: int) -> None:
        self.ledger.answers[f"{status // 100}xx" if status else "no answer"] += 1

    async def _turn(self) -> None:
        """Waits for the next free moment; what an outage left unused is not caught up with."""
        now = time.monotonic()
        self._next = max(self._next + self._period, now)
        self.ledger.requests += 1
        await asyncio.sleep(self._next - now)


def _has(body: Any, fields: Collection[str]) -> bool:
    return not fields or (isinstance(body, dict) and all(field in body for field in fields))
