"""What can go wrong, each with the status it has over HTTP; `http.rendering` renders them all.

AppError
├── BadRequest        400  a business rule, in words
│   └── Invalid       400  one entry per bad field
├── PaymentRequired   402  the provider's words
├── NotAuthorized     401  not signed in, or not the owner
├── CrossSite         403
├── NotFound          404
├── TooLarge          413
├── TooManyTries      429  with Retry-After
└── Unavailable       503  a database, broker or provider is down
    ├── Conflict      503  lost the race for a record again and again
    └── Outage        503  with the driver's words, for the log alone

DatabaseError         500  the database refused; as with any exception that has no answer of its own
└── DuplicateKey      500  by a unique index
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    message: str
    field: str | None = None


class AppError(Exception):
    """Carries its status, its entries and any headers that its answer needs."""

    status = 500
    default_message = "Something went wrong"

    def __init__(self, message: str | None = None, field: str | None = None) -> None:
        super().__init__(message or self.default_message)
        self.entries: Sequence[ErrorEntry] = (ErrorEntry(message or self.default_message, field),)
        self.headers: Mapping[str, str] = {}


class BadRequest(AppError):
    status = 400
    default_message = "Bad request"


class Invalid(BadRequest):
    def __init__(self, entries: Sequence[ErrorEntry]) -> None:
        super().__init__(entries[0].message, entries[0].field)
        self.entries = tuple(entries)


class PaymentRequired(AppError):
    status = 402
    default_message = "The payment was declined"


class NotAuthorized(AppError):
    status = 401
    default_message = "Not authorized"


class CrossSite(AppError):
    status = 403
    default_message = "Cross-site requests are not allowed"


class NotFound(AppError):
    status = 404
    default_message = "Not found"


class TooLarge(AppError):
    status = 413
    default_message = "Body too large"


class TooManyTries(AppError):
    status = 429
    default_message = "Too many tries, please wait"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(retry_after_seconds)}


class Unavailable(AppError):
    status = 503
    default_message = "Service unavailable"


class Conflict(Unavailable):
    """The record changed between being read and being saved; `retrying` decides again."""


class Outage(Unavailable):
    """`str` and `repr` have the reason; the answer has the default message: a reason may name internals."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.args = (reason,)


class DatabaseError(Exception):
    """A refusal of the database, such as an operator that it does not know.

    code: The server's error code, such as 11000; None where the driver refused by itself.
    """

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.code = code


class DuplicateKey(DatabaseError):
    """A unique index has the key already."""
