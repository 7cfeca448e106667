"""Codes of receipts: each is a signed statement that an order was paid.

The pages issue them; orders tells the bearer of one the present state of the payment.
"""

from dataclasses import dataclass

import jwt

from common.http import receipt_codes
from common.http.session import ALGORITHM, MAX_TOKEN_LENGTH

_AUDIENCE = "receipt"
"""Separates receipts from sessions, which are signed with the same key: neither is valid as the other."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Receipt of a complete order. It proves the payment at the time of issue, and says no more."""

    order_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """Signs and verifies the codes of receipts. key: The setting `JWT_KEY`."""

    key: str

    def code(self, receipt: Receipt) -> str:
        return receipt_codes.sign(self.key, receipt.order_id, receipt.ticket_id)

    def verified(self, code: str) -> Receipt | None:
        """The receipt, or None for a code that was not signed with this key."""
        if len(code) > MAX_TOKEN_LENGTH:
            return None
        short = receipt_codes.read(self.key, code)
        if short is not None:
            return Receipt(*short)
        # The form of earlier releases, in which receipts were printed: a JWT, four times as long.
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
