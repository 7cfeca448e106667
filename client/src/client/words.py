"""Technical messages in a buyer's words; the APIs' rules already are."""

from common.errors import AppError, CrossSite, NotAuthorized, NotFound, TooLarge, Unavailable

_PLAIN = {
    AppError.default_message: "Something went wrong on our side. Please try again.",
    NotAuthorized.default_message: (
        "This belongs to someone else. Sign in with the account that it belongs to."
    ),
    NotFound.default_message: (
        "We could not find what you were looking for. It may be gone, or the address is mistyped."
    ),
    CrossSite.default_message: "This request came from another site, so we did not follow it.",
    TooLarge.default_message: "That was more than we can take at once.",
    "Request body is too large": "That was more than we can take at once.",
    Unavailable.default_message: "We can't do this right now. Please try again in a moment.",
    "Method not allowed": "This address can't be used in that way.",
}

HEADINGS = {
    400: "That did not work",
    401: "You are not authorized to see this",
    402: "The payment was declined",
    403: "Request refused",
    404: "Page not found",
    405: "Page not found",
    413: "Too much at once",
    429: "Too many tries",
    500: "Something went wrong",
    503: "GitTix is catching its breath",
}


def in_plain_words(message: str) -> str:
    return _PLAIN.get(message, message)


def heading(status: int) -> str:
    return HEADINGS.get(status, HEADINGS[400 if status < 500 else 500])
