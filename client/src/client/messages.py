"""Message of the pages for each error code, in English; translated where it is shown."""

from collections.abc import Mapping
from dataclasses import dataclass

from client.i18n import gettext_noop
from common.contract.error_codes import ErrorCode

_UNAVAILABLE = gettext_noop("We can't do this right now. Please try again in a moment.")
_UNREADABLE = gettext_noop("The request could not be read.")
_CHANGED = gettext_noop("This has changed since you opened it. Please look again.")
_PRICE = gettext_noop("Price must be greater than 0")
_NUMBER = gettext_noop("Enter a price such as 20.50")
_UNSEEN = gettext_noop("Enter at least one character that can be seen")
_TURNED = gettext_noop("Leave out the characters that change the direction of writing")
_CURSOR = gettext_noop("Cursor is not one of ours")
_SEARCH = gettext_noop("This search can't be read. Please start a new one.")

MESSAGES: Mapping[str, str] = {
    ErrorCode.BODY_INVALID: _UNREADABLE,
    ErrorCode.BODY_TOO_LARGE: gettext_noop("That was more than we can take at once."),
    ErrorCode.CONTENT_LENGTH_INVALID: _UNREADABLE,
    ErrorCode.CONTENT_TYPE_INVALID: _UNREADABLE,
    ErrorCode.CROSS_SITE: gettext_noop("This request came from another site, so we did not follow it."),
    ErrorCode.HEADERS_TOO_LARGE: _UNREADABLE,
    ErrorCode.IDEMPOTENCY_KEY_INVALID: _UNREADABLE,
    ErrorCode.IDEMPOTENCY_KEY_REUSED: gettext_noop(
        "This form was sent before, with something else in it. Send it once more if you mean both."
    ),
    ErrorCode.IF_MATCH_INVALID: _UNREADABLE,
    ErrorCode.INTERNAL_ERROR: gettext_noop("Something went wrong on our side. Please try again."),
    ErrorCode.METHOD_NOT_ALLOWED: gettext_noop("This address can't be used in that way."),
    ErrorCode.NOT_AUTHORIZED: gettext_noop(
        "This belongs to another account. Sign out, and sign in with that account."
    ),
    ErrorCode.NOT_FOUND: gettext_noop(
        "We could not find what you were looking for. It may be gone, or the address is mistyped."
    ),
    ErrorCode.NOT_READY: _UNAVAILABLE,
    ErrorCode.PAYMENT_REQUIRED: gettext_noop("The payment was declined"),
    ErrorCode.PRECONDITION_FAILED: _CHANGED,
    ErrorCode.REQUEST_TIMEOUT: gettext_noop("That took too long to reach us. Please try again."),
    ErrorCode.TOO_MANY_TRIES: gettext_noop("Too many tries, please wait"),
    ErrorCode.UNAVAILABLE: _UNAVAILABLE,
    ErrorCode.UNKNOWN_FIELD: _UNREADABLE,
    # auth
    ErrorCode.EMAIL_IN_USE: gettext_noop("This e-mail has an account already: sign in instead"),
    ErrorCode.EMAIL_INVALID: gettext_noop("Enter an e-mail address such as name@example.com"),
    ErrorCode.EMAIL_NOT_CONFIRMED: gettext_noop("Confirm your e-mail address first: see your account"),
    ErrorCode.LINK_INVALID: gettext_noop(
        "This link was used before, was replaced by a newer one, or is too old. Ask for a new one."
    ),
    ErrorCode.INVALID_CREDENTIALS: gettext_noop("Invalid credentials"),
    ErrorCode.PASSKEY_KNOWN: gettext_noop("This device has a passkey of your account already."),
    ErrorCode.PASSKEY_LATE: gettext_noop("That took too long. Please try again."),
    ErrorCode.PASSKEY_LIMIT: gettext_noop("You have as many passkeys as an account may. Remove one first."),
    ErrorCode.PASSKEY_NAME_INVALID: gettext_noop("Enter a name of 1 to 50 characters"),
    ErrorCode.PASSKEY_REFUSED: gettext_noop(
        "This passkey does not work here: it may have been removed. Use your password."
    ),
    ErrorCode.PASSKEY_UNREADABLE: gettext_noop("The passkey of this device could not be added."),
    ErrorCode.PASSWORD_COMMON: gettext_noop(
        "This password is one of the most common, and easy to guess. Choose another one"
    ),
    ErrorCode.PASSWORD_INVALID: gettext_noop("Enter a password of 8 to 128 characters"),
    ErrorCode.PASSWORD_LIKE_EMAIL: gettext_noop("Choose a password that is not like your e-mail address"),
    ErrorCode.PASSWORD_LIKE_SITE: gettext_noop("Choose a password that is not like the name of this site"),
    ErrorCode.PASSWORD_REQUIRED: gettext_noop("Enter your password"),
    ErrorCode.PASSWORD_WRONG: gettext_noop("This is not your password"),
    ErrorCode.SIGN_IN_BUSY: gettext_noop(
        "Too many people are signing in right now, please try again in a moment"
    ),
    ErrorCode.TOO_MANY_SIGN_UPS: gettext_noop(
        "Too many accounts were created from your network, please wait"
    ),
    # lists and searches
    ErrorCode.CURSOR_INVALID: _CURSOR,
    ErrorCode.CURSOR_TOO_LONG: _CURSOR,
    ErrorCode.DAY_RANGE_INVALID: gettext_noop("The first day is after the last"),
    ErrorCode.LIMIT_INVALID: _SEARCH,
    ErrorCode.MAX_PRICE_TOO_LONG: _NUMBER,
    ErrorCode.MIN_PRICE_TOO_LONG: _NUMBER,
    ErrorCode.PRICE_RANGE_INVALID: gettext_noop("The lowest price is above the highest"),
    ErrorCode.Q_INVALID: gettext_noop("Search must not hold control characters"),
    ErrorCode.Q_TOO_LONG: gettext_noop("Search must be at most 100 characters"),
    ErrorCode.SELLER_INVALID: _SEARCH,
    ErrorCode.SORT_INVALID: _SEARCH,
    ErrorCode.STATUS_INVALID: _SEARCH,
    ErrorCode.STATUS_NOT_ALLOWED: _SEARCH,
    # tickets
    ErrorCode.CITY_BIDI_CONTROL: _TURNED,
    ErrorCode.CITY_INVALID: _UNREADABLE,
    ErrorCode.CITY_INVISIBLE: _UNSEEN,
    ErrorCode.CITY_TOO_LONG: gettext_noop("City must be at most 100 characters"),
    ErrorCode.CITY_UNPRINTABLE: gettext_noop("City must not hold control characters"),
    ErrorCode.EVENT_DATE_INVALID: gettext_noop("Date must be a day such as 2027-05-31"),
    ErrorCode.EVENT_DATE_PAST: gettext_noop("The day of this event is over"),
    ErrorCode.FACE_VALUE_INVALID: gettext_noop("Enter the face value as a price, such as 20.50"),
    ErrorCode.FACE_VALUE_REQUIRED: gettext_noop(
        "Enter the face value: a price here may be only so far above it"
    ),
    ErrorCode.LISTINGS_LIMIT: gettext_noop(
        "You have as many listings on sale as one seller may. Withdraw one, then try again."
    ),
    ErrorCode.LISTINGS_PER_HOUR_LIMIT: gettext_noop(
        "You have listed many tickets within an hour. Please try again later."
    ),
    ErrorCode.NOTES_BIDI_CONTROL: _TURNED,
    ErrorCode.NOTES_INVALID: _UNREADABLE,
    ErrorCode.NOTES_INVISIBLE: _UNSEEN,
    ErrorCode.NOTES_TOO_LONG: gettext_noop("Notes must be at most 500 characters"),
    ErrorCode.NOTES_UNPRINTABLE: gettext_noop("Notes must not hold control characters"),
    ErrorCode.PRICE_ABOVE_MARKUP: gettext_noop(
        "This price is further above the face value than is allowed here. Enter a lower one."
    ),
    ErrorCode.PRICE_INVALID: _NUMBER,
    ErrorCode.PRICE_TOO_HIGH: gettext_noop("Price must be at most 1000000"),
    ErrorCode.PRICE_TOO_LOW: _PRICE,
    ErrorCode.PRICE_TOO_PRECISE: gettext_noop("Price must have at most two decimals"),
    ErrorCode.SEAT_BIDI_CONTROL: _TURNED,
    ErrorCode.SEAT_INVALID: _UNREADABLE,
    ErrorCode.SEAT_INVISIBLE: _UNSEEN,
    ErrorCode.SEAT_TOO_LONG: gettext_noop("Seat must be at most 100 characters"),
    ErrorCode.SEAT_UNPRINTABLE: gettext_noop("Seat must not hold control characters"),
    ErrorCode.START_TIME_INVALID: gettext_noop("Enter the start time as hours and minutes, such as 19:30"),
    ErrorCode.TICKET_CHANGED: _CHANGED,
    ErrorCode.FILE_PIXELS: gettext_noop(
        "This picture has more than 25 million pixels. Choose a smaller one."
    ),
    ErrorCode.FILE_PROTECTED: gettext_noop("This PDF opens with a password alone. Choose one without."),
    ErrorCode.FILE_TOO_MANY_PAGES: gettext_noop(
        "This PDF has more than 10 pages. Choose one with this ticket alone."
    ),
    ErrorCode.FILE_UNREADABLE: gettext_noop("Choose a PDF, PNG or JPEG of at most 5 MB and 10 pages."),
    ErrorCode.NAME_TOO_LONG: _UNREADABLE,
    ErrorCode.PAGE_INVALID: _UNREADABLE,
    ErrorCode.TICKET_ALREADY_LISTED: gettext_noop(
        "This ticket is already listed: another listing has the same barcode."
    ),
    ErrorCode.UPLOADS_BUSY: gettext_noop(
        "Many tickets are being added right now. Please try again in a moment."
    ),
    ErrorCode.TICKET_NOT_EDITABLE: gettext_noop("Cannot edit a reserved ticket"),
    ErrorCode.TICKET_NOT_RELISTABLE: gettext_noop("Cannot put a reserved or sold ticket back on sale"),
    ErrorCode.TICKET_NOT_WITHDRAWABLE: gettext_noop("Cannot withdraw a reserved or sold ticket"),
    ErrorCode.TITLE_BIDI_CONTROL: _TURNED,
    ErrorCode.TICKET_WITHDRAWN: gettext_noop("Its seller has withdrawn this ticket."),
    ErrorCode.TITLE_REQUIRED: gettext_noop("Enter a title"),
    ErrorCode.TITLE_TOO_LONG: gettext_noop("Title must be at most 200 characters"),
    ErrorCode.TITLE_UNPRINTABLE: gettext_noop("Title must not hold control characters"),
    ErrorCode.VENUE_BIDI_CONTROL: _TURNED,
    ErrorCode.VENUE_INVALID: _UNREADABLE,
    ErrorCode.VENUE_INVISIBLE: _UNSEEN,
    ErrorCode.VENUE_TOO_LONG: gettext_noop("Venue must be at most 200 characters"),
    ErrorCode.VENUE_UNPRINTABLE: gettext_noop("Venue must not hold control characters"),
    # orders
    ErrorCode.CARD_DISPUTED: gettext_noop(
        "The bank of the card looks into this payment. Nothing can be decided here before its answer."
    ),
    ErrorCode.CLAIM_ANSWERED: gettext_noop("You have answered this claim already"),
    ErrorCode.CLAIM_LATE: gettext_noop("The time for a claim has ended"),
    ErrorCode.CLAIM_OPEN: gettext_noop("You have made a claim about this ticket already"),
    ErrorCode.DELIVERY_LATE: gettext_noop(
        "The time to hand the ticket over has ended. The buyer gets the money back."
    ),
    ErrorCode.NO_CLAIM: gettext_noop("There is no open claim about this ticket"),
    ErrorCode.NOT_DELIVERED: gettext_noop("The seller has not handed the ticket over yet"),
    ErrorCode.ORDER_ACCEPTED: gettext_noop("This sale is settled: the seller gets the money"),
    ErrorCode.ORDER_DISPUTED: gettext_noop("The buyer has a claim about this ticket: answer it first"),
    ErrorCode.ORDER_NOT_PAID: gettext_noop("This order is not paid"),
    ErrorCode.ORDER_REFUNDED: gettext_noop("This sale is settled: the buyer gets the money back"),
    ErrorCode.REASON_INVALID: gettext_noop("Choose what is wrong"),
    ErrorCode.OPEN_ORDERS_LIMIT: gettext_noop(
        "You hold as many unpaid tickets as one buyer may. Pay for one or cancel it, then purchase this one."
    ),
    ErrorCode.ORDER_COMPLETE: gettext_noop("Cannot cancel a completed order"),
    ErrorCode.OWN_TICKET: gettext_noop("You can't buy your own ticket"),
    ErrorCode.PRICE_CHANGED: gettext_noop("The price has changed, please look again"),
    ErrorCode.REORDER_PAUSED: gettext_noop(
        "You gave this ticket up before without paying. Please leave it to others for a while."
    ),
    ErrorCode.TICKET_EVENT_OVER: gettext_noop("The day of this event is over"),
    ErrorCode.TICKET_ID_REQUIRED: _UNREADABLE,
    ErrorCode.TICKET_RESERVED: gettext_noop("Ticket is already reserved"),
    ErrorCode.WORDS_BIDI_CONTROL: _TURNED,
    ErrorCode.WORDS_REQUIRED: gettext_noop("Say it in a few words"),
    ErrorCode.WORDS_TOO_LONG: gettext_noop("Enter at most 1,000 characters"),
    ErrorCode.WORDS_UNPRINTABLE: gettext_noop("Enter text without control characters"),
    # payments
    ErrorCode.DECLINES_LIMIT: gettext_noop(
        "Too many cards were declined for this order, so it can't be paid any more. Nothing was charged."
    ),
    ErrorCode.DECLINES_PER_DAY_LIMIT: gettext_noop(
        "Too many of your cards were declined today. Nothing was charged. Please try again tomorrow."
    ),
    ErrorCode.NOTHING_TO_CONFIRM: gettext_noop("No payment of this order waits for a confirmation"),
    ErrorCode.ORDER_CANCELLED: gettext_noop("Cannot pay for a cancelled order"),
    ErrorCode.ORDER_EXPIRED: gettext_noop("Cannot pay for an expired order"),
    ErrorCode.ORDER_ID_REQUIRED: _UNREADABLE,
    ErrorCode.ORDER_PAID: gettext_noop("This order is already paid"),
    ErrorCode.PAYMENT_OUTCOME_UNKNOWN: gettext_noop(
        "We did not hear back about your payment. If it went through, this order shows it in a moment; "
        "paying again is safe, you are never charged twice."
    ),
    ErrorCode.SIGNATURE_INVALID: _UNREADABLE,
    ErrorCode.TOKEN_INVALID: gettext_noop("Token is not a valid payment method"),
    ErrorCode.TOKEN_REQUIRED: gettext_noop("Token must be provided"),
    # the pages themselves
    ErrorCode.FORM_INVALID: gettext_noop("The form could not be read"),
    ErrorCode.LANGUAGE_UNKNOWN: gettext_noop("We don't speak this language yet"),
    ErrorCode.ORDER_NOT_PAYABLE_YET: gettext_noop(
        "Your order was placed a moment ago and can't be paid yet. Please try again: nothing was charged."
    ),
    ErrorCode.PRICE_AMBIGUOUS: gettext_noop(
        "This price can be read in two ways. Write it with its cents, such as 1000.00"
    ),
    ErrorCode.TICKET_NOT_SALEABLE_YET: gettext_noop(
        "This ticket was listed or changed a moment ago and can't be bought yet. Please try again."
    ),
    ErrorCode.TOO_MANY_PAGES: _UNAVAILABLE,
}

MESSAGE_OF_THE_API = frozenset({ErrorCode.BAD_REQUEST, ErrorCode.CARD_DECLINED})
"""Codes for which the API's message is shown: a provider's reason for a decline, an unnamed refusal."""

PROVIDER_MESSAGES = (gettext_noop("Your card was declined."),)
"""Messages of the payment provider that have a translation; all others are shown unchanged."""

HEADINGS = {
    400: gettext_noop("That did not work"),
    401: gettext_noop("You are not authorized to see this"),
    402: gettext_noop("The payment was declined"),
    403: gettext_noop("Request refused"),
    404: gettext_noop("Page not found"),
    405: gettext_noop("Page not found"),
    408: gettext_noop("That took too long"),
    413: gettext_noop("Too much at once"),
    429: gettext_noop("Too many tries"),
    500: gettext_noop("Something went wrong"),
    503: gettext_noop("GitTix is catching its breath"),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """A message with the time to wait: `Please try again in %(time)s.` seconds: As in `Retry-After`."""

    text: str
    seconds: int


Text = str | Wait
"""A message before its translation (`words` in templates)."""

WAITS = {
    ErrorCode.DECLINES_PER_DAY_LIMIT: gettext_noop(
        "Too many of your cards were declined today. Nothing was charged. Please try again in %(time)s."
    ),
    ErrorCode.LISTINGS_PER_HOUR_LIMIT: gettext_noop(
        "You have listed many tickets within an hour. Please try again in %(time)s."
    ),
    ErrorCode.OPEN_ORDERS_LIMIT: gettext_noop(
        "You hold as many unpaid tickets as one buyer may. Pay for one or cancel it, then purchase this one. "
        "If you do neither, the first one is free again in %(time)s."
    ),
    ErrorCode.REORDER_PAUSED: gettext_noop(
        "You gave this ticket up before without paying. You can purchase it again in %(time)s."
    ),
    ErrorCode.TOO_MANY_SIGN_UPS: gettext_noop(
        "Too many accounts were created from your network. Please try again in %(time)s."
    ),
    ErrorCode.TOO_MANY_TRIES: gettext_noop("Too many tries. Please try again in %(time)s."),
}
"""Messages for an answer with a `Retry-After`."""


def message_for(code: str, message: str, retry_after: str | None = None) -> Text:
    """The pages' message for `code`, or the API's own `message` for a code without one."""
    if code in WAITS and retry_after is not None and retry_after.isascii() and retry_after.isdecimal():
        return Wait(WAITS[ErrorCode(code)], _rounded(int(retry_after[:9])))
    return MESSAGES.get(code, message)


def _rounded(seconds: int) -> int:
    """The next whole minute, from one minute on, and hour, from two hours on; at least a second."""
    unit = next((unit for least, unit in ((7_200, 3_600), (60, 60)) if seconds >= least), 1)
    return max(1, -(-seconds // unit) * unit)


def heading(status: int) -> str:
    """The heading of an error page. An unlisted status has that of 400 or, from 500 on, that of 500."""
    return HEADINGS.get(status, HEADINGS[400 if status < 500 else 500])
