"""Technical messages in a buyer's words; the APIs' rules already are. Translated where they are shown."""

from client.marking import gettext_noop
from common.base.errors import AppError, CrossSite, NotAuthorized, NotFound, TooLarge, Unavailable

_TOO_MUCH = gettext_noop("That was more than we can take at once.")

_PLAIN = {
    AppError.default_message: gettext_noop("Something went wrong on our side. Please try again."),
    NotAuthorized.default_message: gettext_noop(
        "This belongs to someone else. Sign in with the account that it belongs to."
    ),
    NotFound.default_message: gettext_noop(
        "We could not find what you were looking for. It may be gone, or the address is mistyped."
    ),
    CrossSite.default_message: gettext_noop("This request came from another site, so we did not follow it."),
    TooLarge.default_message: _TOO_MUCH,
    "Request body is too large": _TOO_MUCH,
    Unavailable.default_message: gettext_noop("We can't do this right now. Please try again in a moment."),
    "Method not allowed": gettext_noop("This address can't be used in that way."),
}

HEADINGS = {
    400: gettext_noop("That did not work"),
    401: gettext_noop("You are not authorized to see this"),
    402: gettext_noop("The payment was declined"),
    403: gettext_noop("Request refused"),
    404: gettext_noop("Page not found"),
    405: gettext_noop("Page not found"),
    413: gettext_noop("Too much at once"),
    429: gettext_noop("Too many tries"),
    500: gettext_noop("Something went wrong"),
    503: gettext_noop("GitTix is catching its breath"),
}

TAKEN = gettext_noop("Ticket is already reserved")
"""By orders, which decides who has a ticket."""

FROM_THE_APIS = (
    # auth
    gettext_noop("Email must be valid"),
    gettext_noop("Email in use"),
    gettext_noop("Password must be 8 to 128 characters"),
    gettext_noop("You must supply a password"),
    gettext_noop("Invalid credentials"),
    gettext_noop("Too many tries, please wait"),
    gettext_noop("Too many people are signing in right now, please try again in a moment"),
    # tickets
    gettext_noop("Title is required"),
    gettext_noop("Title must be at most 200 characters"),
    gettext_noop("Title must not hold control characters"),
    gettext_noop("Date must be a day such as 2027-05-31"),
    gettext_noop("Venue must be at most 200 characters"),
    gettext_noop("Venue must not hold control characters"),
    gettext_noop("Seat must be at most 100 characters"),
    gettext_noop("Seat must not hold control characters"),
    gettext_noop("The lowest price is above the highest"),
    gettext_noop("Price must be greater than 0"),
    gettext_noop("Price must be at most 1000000"),
    gettext_noop("Price must have at most two decimals"),
    gettext_noop("Cannot edit a reserved ticket"),
    gettext_noop("Cannot withdraw a reserved or sold ticket"),
    gettext_noop("Search must not hold control characters"),
    gettext_noop("Cursor is not one of ours"),
    # orders
    TAKEN,
    gettext_noop("You can't buy your own ticket"),
    gettext_noop("Cannot cancel a completed order"),
    gettext_noop("The price has changed, please look again"),
    # payments
    gettext_noop("Cannot pay for a cancelled order"),
    gettext_noop("Cannot pay for an expired order"),
    gettext_noop("This order is already paid"),
    gettext_noop("No payment of this order waits for a confirmation"),
    gettext_noop("Token must be provided"),
    gettext_noop("Token is not a valid payment method"),
    gettext_noop("The payment's outcome is not known yet, please look again in a moment"),
    gettext_noop("Your card was declined."),
)
"""What the APIs refuse with, for the catalogues."""


def in_plain_words(message: str) -> str:
    return _PLAIN.get(message, message)


def heading(status: int) -> str:
    return HEADINGS.get(status, HEADINGS[400 if status < 500 else 500])
