"""Device cookie: shows that a browser has signed in to an account before.

It is no session. It gives the browser's failed sign-ins a count of their own (`failed_sign_ins`).
Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
"""

import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from hmac import compare_digest, digest

from fastapi import Request, Response

from auth.domain import Email, User
from common.base import times
from common.http.session import Sessions

LIFETIME = timedelta(days=400)
"""The longest that browsers keep a cookie. Each sign-in begins it again."""
MAX_ACCOUNTS = 4
"""Accounts that one browser proves to know; the latest ones stay."""
NONCE_BYTES = 12
_TOKEN = re.compile(r"(?P<nonce>[\w-]{16})\.(?P<expires>\d{1,12})\.(?P<proof>[\w-]{43})", re.ASCII)


@dataclass(frozen=True, slots=True)
class _Account:
    email_key: str
    generation: int


@dataclass(frozen=True, slots=True)
class Devices:
    """Issues and reads device cookies, by the setting `DEVICE_KEY`.

    A cookie holds a token for each account, newest first, as `nonce.expiry.proof`. The proof is a keyed hash
    that binds nonce and expiry (seconds since 1970) to the e-mail, which the cookie does not reveal, and to
    the account's generation: a change of the password makes every other device unknown. A token of another
    account, or of another key, counts for nothing.
    """

    key: str
    sessions: Sessions

    @property
    def cookie(self) -> str:
        """Named as the session's, for the same reasons."""
        return self.sessions.cookie.replace("session", "device")

    def nonce(self, request: Request, email: Email, generation: int) -> str | None:
        """Nonce of the device; None for one that never signed in to the account with its present password."""
        account = _Account(email.key, generation)
        return next((token["nonce"] for token in self._tokens(request) if self._is_of(token, account)), None)

    def remember(self, request: Request, response: Response, user: User) -> None:
        """Sets the cookie of a device that has just signed in, with a new nonce."""
        account = _Account(user.email.key, user.generation)
        others = [token[0] for token in self._tokens(request) if not self._is_of(token, account)]
        tokens = [self._token(account), *others][:MAX_ACCOUNTS]
        lifetime = int(LIFETIME.total_seconds())
        self.sessions.set_cookie(response, self.cookie, "~".join(tokens), lifetime)

    def _tokens(self, request: Request) -> list[re.Match[str]]:
        sent = request.cookies.get(self.cookie, "").split("~", MAX_ACCOUNTS)[:MAX_ACCOUNTS]
        return [token for text in sent if (token := _TOKEN.fullmatch(text))]

    def _token(self, account: _Account) -> str:
        nonce = secrets.token_urlsafe(NONCE_BYTES)
        expires = str(int((times.now() + LIFETIME).timestamp()))
        return f"{nonce}.{expires}.{self._proof(nonce, expires, account)}"

    def _is_of(self, token: re.Match[str], account: _Account) -> bool:
        proof = self._proof(token["nonce"], token["expires"], account)
        return compare_digest(token["proof"], proof) and int(token["expires"]) > times.now().timestamp()

    def _proof(self, nonce: str, expires: str, account: _Account) -> str:
        # The first generation is that of the release before, whose cookies stay good.
        generation = (str(account.generation),) if account.generation else ()
        content = "\0".join(("device", nonce, expires, account.email_key, *generation))
        proof = urlsafe_b64encode(digest(self.key.encode(), content.encode(), sha256))
        return proof.decode().rstrip("=")
