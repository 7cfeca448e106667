"""Codes of receipts: each is a signed statement that an order was paid.

This service alone signs them, and answers to the bearer of one with the order's present state.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import jwt

from orders import receipt_codes

MAX_LENGTH = 4096
"""In characters, of a code that is looked at."""
_AUDIENCE = "receipt"
"""Separates receipts of the first form from the sessions that were signed with the same key then."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Receipt of a complete order. It proves the payment at the time of issue, and says no more."""

    order_id: str
    ticket_id: str


@dataclass(frozen=True, slots=True)
class Receipts:
    """Signs and verifies the codes of receipts. keys: Of setting `RECEIPT_KEYS`, at least one."""

    keys: Sequence[str] = field(repr=False)

    def code(self, receipt: Receipt) -> str:
        return receipt_codes.sign(self.keys[0], receipt.order_id, receipt.ticket_id)

    def verified(self, code: str) -> Receipt | None:
        """The receipt, or None for a code that none of the keys signed."""
        if len(code) > MAX_LENGTH:
            return None
        return next((receipt for key in self.keys if (receipt := _read(key, code)) is not None), None)


def _read(key: str, code: str) -> Receipt | None:
    short = receipt_codes.read(key, code)
    return _of_the_first_form(key, code) if short is None else Receipt(*short)


def _of_the_first_form(key: str, code: str) -> Receipt | None:
    """The form of earlier releases, in which receipts were printed: a JWT, four times as long."""
    try:
        claims = jwt.decode(
            code, key, algorithms=["HS256"], audience=_AUDIENCE, options={"require": ["aud", "sub", "ticket"]}
        )
    except (jwt.InvalidTokenError, ValueError):
        return None
    return Receipt(str(claims["sub"]), str(claims["ticket"]))
