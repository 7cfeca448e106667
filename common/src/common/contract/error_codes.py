"""Codes of the marketplace's error answers: programs decide by them, pages choose their words by them.

A code stays once it is published; its message may change. The generic ones are those of `base.errors` and
`http.rendering`, which know no marketplace.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    # any service
    BAD_REQUEST = "bad-request"
    BODY_INVALID = "body-invalid"
    BODY_TOO_LARGE = "body-too-large"
    CONTENT_LENGTH_INVALID = "content-length-invalid"
    CONTENT_TYPE_INVALID = "content-type-invalid"
    CROSS_SITE = "cross-site"
    HEADERS_TOO_LARGE = "headers-too-large"
    INTERNAL_ERROR = "internal-error"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    NOT_AUTHORIZED = "not-authorized"
    NOT_FOUND = "not-found"
    NOT_READY = "not-ready"
    """Of `/readyz`: the message names the dependency that is down."""
    PAYMENT_REQUIRED = "payment-required"
    REQUEST_TIMEOUT = "request-timeout"
    TOO_MANY_TRIES = "too-many-tries"
    UNAVAILABLE = "unavailable"
    UNKNOWN_FIELD = "unknown-field"

    # auth
    EMAIL_IN_USE = "email-in-use"
    EMAIL_INVALID = "email-invalid"
    INVALID_CREDENTIALS = "invalid-credentials"
    PASSWORD_INVALID = "password-invalid"
    """A new password that breaks the rule of its length."""
    PASSWORD_REQUIRED = "password-required"
    SIGN_IN_BUSY = "sign-in-busy"

    # lists and searches
    CURSOR_INVALID = "cursor-invalid"
    CURSOR_TOO_LONG = "cursor-too-long"
    LIMIT_INVALID = "limit-invalid"
    MAX_PRICE_TOO_LONG = "max-price-too-long"
    MIN_PRICE_TOO_LONG = "min-price-too-long"
    PRICE_RANGE_INVALID = "price-range-invalid"
    Q_INVALID = "q-invalid"
    Q_TOO_LONG = "q-too-long"
    SELLER_INVALID = "seller-invalid"
    SORT_INVALID = "sort-invalid"
    STATUS_INVALID = "status-invalid"
    STATUS_NOT_ALLOWED = "status-not-allowed"
    """A status is for one's own listings."""

    # tickets
    EVENT_DATE_INVALID = "event-date-invalid"
    PRICE_INVALID = "price-invalid"
    """The price is missing or no number."""
    PRICE_TOO_HIGH = "price-too-high"
    PRICE_TOO_LOW = "price-too-low"
    PRICE_TOO_PRECISE = "price-too-precise"
    SEAT_INVALID = "seat-invalid"
    SEAT_TOO_LONG = "seat-too-long"
    SEAT_UNPRINTABLE = "seat-unprintable"
    TICKET_NOT_EDITABLE = "ticket-not-editable"
    TICKET_NOT_WITHDRAWABLE = "ticket-not-withdrawable"
    TITLE_REQUIRED = "title-required"
    TITLE_TOO_LONG = "title-too-long"
    TITLE_UNPRINTABLE = "title-unprintable"
    VENUE_INVALID = "venue-invalid"
    VENUE_TOO_LONG = "venue-too-long"
    VENUE_UNPRINTABLE = "venue-unprintable"

    # orders
    ORDER_COMPLETE = "order-complete"
    OWN_TICKET = "own-ticket"
    PRICE_CHANGED = "price-changed"
    TICKET_ID_REQUIRED = "ticket-id-required"
    TICKET_RESERVED = "ticket-reserved"

    # payments
    CARD_DECLINED = "card-declined"
    """In the provider's words."""
    NOTHING_TO_CONFIRM = "nothing-to-confirm"
    ORDER_CANCELLED = "order-cancelled"
    ORDER_EXPIRED = "order-expired"
    ORDER_ID_REQUIRED = "order-id-required"
    ORDER_PAID = "order-paid"
    PAYMENT_OUTCOME_UNKNOWN = "payment-outcome-unknown"
    SIGNATURE_INVALID = "signature-invalid"
    TOKEN_INVALID = "token-invalid"
    TOKEN_REQUIRED = "token-required"

    # the pages themselves
    FORM_INVALID = "form-invalid"
    LANGUAGE_UNKNOWN = "language-unknown"
    ORDER_NOT_PAYABLE_YET = "order-not-payable-yet"
    TICKET_NOT_SALEABLE_YET = "ticket-not-saleable-yet"
    TOO_MANY_PAGES = "too-many-pages"
