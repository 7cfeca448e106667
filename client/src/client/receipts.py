"""Receipts that prove themselves: a signed code, as a QR code's address, that anybody may have verified."""

from dataclasses import dataclass

import jwt
import segno
from markupsafe import Markup

from common.http.session import ALGORITHM, MAX_TOKEN_LENGTH

_AUDIENCE = "receipt"
"""So that it is no session, and a session is no receipt."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Of an order that is complete, which it stays for ever: nothing has to be looked up to verify it."""

    order_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """Signs and verifies their codes, by setting `JWT_KEY`."""

    key: str

    def code(self, receipt: Receipt) -> str:
        claims = {"aud": _AUDIENCE, "sub": receipt.order_id, "ticket": receipt.ticket_id}
        return jwt.encode(claims, self.key, algorithm=ALGORITHM)

    def verified(self, code: str) -> Receipt | None:
        """None for what was not signed here."""
        if len(code) > MAX_TOKEN_LENGTH:
            return None
        try:
            claims = jwt.decode(
                code,
                self.key,
                algorithms=[ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["aud", "sub", "ticket"]},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return Receipt(str(claims["sub"]), str(claims["ticket"]))


def qr_code(address: str, title: str) -> Markup:
    """An SVG for HTML that says what it is to whoever can't see it; black on white in a dark page, too."""
    code = segno.make(address, error="m", micro=False)
    # It escapes the title.
    return Markup(code.svg_inline(scale=4, border=4, light="#fff", title=title, omitsize=True))
