"""E-mail addresses of signed-in users, for the top of their pages: a session holds none."""

import logging
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from fastapi import Request

from client.api import Api
from client.upstream import Upstream
from common.base.errors import AppError
from common.http.session import current_user

log = logging.getLogger(__name__)

MOST = 10_000
"""Users whose addresses are kept: about 3 MB."""
KEPT_SECONDS = 600
"""After a change of the address, until every process shows the new one."""
RETRY_SECONDS = 30
"""After a failure. Until then the pages are shown without the address."""


class AsksEmail(Protocol):
    async def email(self) -> str: ...


@dataclass(slots=True)
class Emails:
    """Addresses by the user's id, so that a page costs no request of its own: one a user in ten minutes."""

    known: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Address, "" where it is not known, and the time on the monotonic clock until which it is kept."""

    def of(self, user_id: str) -> str:
        """The address; "" while it is not known."""
        return self.known.get(user_id, ("", 0.0))[0]

    def forget(self, user_id: str) -> None:
        self.known.pop(user_id, None)

    async def learn(self, user_id: str, api: AsksEmail) -> None:
        """Asks for an address that is not kept. Raises nothing: each page works without it."""
        if self.known.get(user_id, ("", 0.0))[1] > monotonic():
            return
        try:
            email, seconds = await api.email(), KEPT_SECONDS
        except AppError as error:
            log.warning("a page is shown without its user's address", extra={"error": repr(error)})
            email, seconds = self.of(user_id), RETRY_SECONDS
        self.known.pop(user_id, None)
        self.known[user_id] = (email, monotonic() + seconds)
        if len(self.known) > MOST:
            del self.known[next(iter(self.known))]


async def learn_email(request: Request) -> None:
    """Makes the address of the request's user known, for a page; a form mostly answers with a redirect."""
    user = current_user(request)
    if user is not None and request.method in ("GET", "HEAD"):
        await request.app.state.emails.learn(user.id, Api(Upstream.of(request)))
