"""Tree of errors, each with its HTTP status; `http.rendering` renders all of them.

AppError
├── BadRequest        400  refused by a business rule
│   └── Invalid       400  one entry per bad field
├── PaymentRequired   402  declined by the provider
├── NotAuthorized     401  not signed in, or not the owner
├── CrossSite         403
├── EmailNotConfirmed 403  selling and buying wait for a confirmed address
├── NotFound          404
├── RequestTimeout    408
├── PreconditionFailed 412 the record is not at the version that the request names
├── TooLarge          413
├── KeyReused         422  an Idempotency-Key of another request
├── TooManyTries      429  with Retry-After
└── Unavailable       503  a database, broker or provider is down
    ├── Conflict      503  lost every race for a record
    └── Outage        503  the driver's message is for the log alone

DatabaseError         500  refused by the database; rendered like any other exception
└── DuplicateKey      500  by a unique index
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNKNOWN_FIELD = "unknown-field"
METHOD_NOT_ALLOWED = "method-not-allowed"
BODY_INVALID = "body-invalid"
CONTENT_TYPE_INVALID = "content-type-invalid"
CONTENT_LENGTH_INVALID = "content-length-invalid"
IDEMPOTENCY_KEY_INVALID = "idempotency-key-invalid"
IF_MATCH_INVALID = "if-match-invalid"
NOT_READY = "not-ready"

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")


@dataclass(frozen=True, slots=True)
class ErrorEntry:
    """One error of an answer.

    message: Text for people; its wording may change.
    code: Stable kebab-case name for programs, such as "ticket-reserved".
    field: Name of the bad field as on the wire, such as "eventDate"; None where no field applies.
    """

    message: str
    code: str
    field: str | None = None


class InvalidValue(ValueError):
    """Refusal of a value by a validator, inside a pydantic model or outside of one.

    code: Stable kebab-case name, such as "title-too-long".
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def field_code(field: str, problem: str) -> str:
    """Code of a bad field: `field_code("eventDate", "invalid")` is "event-date-invalid"."""
    return f"{_HUMP.sub('-', field).lower()}-{problem}"


class AppError(Exception):
    """Error with the status, the entries and the headers of its answer.

    `code` is set by each class; the constructor's `code` replaces it for one error.
    """

    status = 500
    code: str = "internal-error"
    default_message = "Something went wrong"

    def __init__(
        self, message: str | None = None, field: str | None = None, *, code: str | None = None
    ) -> None:
        super().__init__(message or self.default_message)
        if code is not None:
            self.code = code
        self.entries: Sequence[ErrorEntry] = (ErrorEntry(message or self.default_message, self.code, field),)
        self.headers: Mapping[str, str] = {}


class BadRequest(AppError):
    status = 400
    code = "bad-request"
    default_message = "Bad request"


class Invalid(BadRequest):
    """Several bad fields; `code` is that of the first."""

    def __init__(self, entries: Sequence[ErrorEntry]) -> None:
        super().__init__(entries[0].message, entries[0].field, code=entries[0].code)
        self.entries = tuple(entries)


class PaymentRequired(AppError):
    status = 402
    code = "payment-required"
    default_message = "The payment was declined"


class NotAuthorized(AppError):
    status = 401
    code = "not-authorized"
    default_message = "Not authorized"


class CrossSite(AppError):
    status = 403
    code = "cross-site"
    default_message = "Cross-site requests are not allowed"


class EmailNotConfirmed(AppError):
    status = 403
    code = "email-not-confirmed"
    default_message = "Confirm your e-mail address first"


class NotFound(AppError):
    status = 404
    code = "not-found"
    default_message = "Not found"


class PreconditionFailed(AppError):
    status = 412
    code = "precondition-failed"
    default_message = "The record has changed"


class RequestTimeout(AppError):
    """The body took too long to arrive."""

    status = 408
    code = "request-timeout"
    default_message = "The request took too long to arrive"


class TooLarge(AppError):
    status = 413
    code = "body-too-large"
    default_message = "Body too large"


class KeyReused(AppError):
    """The answer's `Link` names the record of the key's first request, where the client may see it.

    created: Path of that record, such as "/api/tickets/65f0…".
    """

    status = 422
    code = "idempotency-key-reused"
    default_message = "This Idempotency-Key belongs to another request"

    def __init__(self, created: str | None = None) -> None:
        super().__init__()
        self.created = created
        if created is not None:
            self.headers = {"Link": f'<{created}>; rel="related"'}


class TooManyTries(AppError):
    status = 429
    code = "too-many-tries"
    default_message = "Too many tries, please wait"

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__()
        self.headers = {"Retry-After": str(retry_after_seconds)}


class Unavailable(AppError):
    status = 503
    code = "unavailable"
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
    """A unique index has the key already.

    index: Its name; None where the server did not say it.
    """

    def __init__(self, reason: str, code: int | None = None, index: str | None = None) -> None:
        super().__init__(reason, code)
        self.index = index
