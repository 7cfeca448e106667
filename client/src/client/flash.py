"""Flash messages, shown once on the next page, for example after a form.

The cookie carries only the name of a message; the text comes from `MESSAGES`.
"""

from enum import StrEnum

from fastapi import Request, Response

from client import own_cookies
from client.i18n import gettext_noop
from common.http.session import Sessions

COOKIE = "flash"
SECONDS = 60
"""Lifetime of the cookie, in seconds. An older message is stale and is not shown."""


class Flash(StrEnum):
    WELCOME = "welcome"
    SIGNED_OUT = "signed-out"
    RESET_MAILED = "reset-mailed"
    PASSWORD_RESET = "password-reset"
    CONFIRMATION_MAILED = "confirmation-mailed"
    EMAIL_CONFIRMED = "email-confirmed"
    EMAIL_CHANGE_MAILED = "email-change-mailed"
    PASSWORD_CHANGED = "password-changed"
    MAILS_CHOSEN = "mails-chosen"
    ACCOUNT_DELETED = "account-deleted"
    SESSION_ENDED = "session-ended"
    OTHER_SESSIONS_ENDED = "other-sessions-ended"
    PASSKEY_ADDED = "passkey-added"
    PASSKEY_RENAMED = "passkey-renamed"
    PASSKEY_REMOVED = "passkey-removed"
    SIGN_IN_FIRST = "sign-in-first"
    SIGN_IN_TO_KEEP = "sign-in-to-keep"
    SIGN_IN_TO_BUY = "sign-in-to-buy"
    SESSION_OVER = "session-over"
    SESSION_OVER_KEPT = "session-over-kept"
    LISTED = "listed"
    SAVED = "saved"
    SAVED_WITHOUT_DATE = "saved-without-date"
    WITHDRAWN = "withdrawn"
    RELISTED = "relisted"
    FILE_ADDED = "file-added"
    FILE_REMOVED = "file-removed"


MESSAGES = {
    Flash.FILE_ADDED: gettext_noop("Your ticket is added. Its buyer gets it as soon as it is paid."),
    Flash.FILE_REMOVED: gettext_noop("The file is removed."),
    Flash.WELCOME: gettext_noop("Welcome to GitTix. We have mailed you a link to confirm your address."),
    Flash.SIGNED_OUT: gettext_noop("You are signed out."),
    Flash.RESET_MAILED: gettext_noop(
        "If this address has an account, a mail with a link is on its way. The link works for 15 minutes."
    ),
    Flash.PASSWORD_RESET: gettext_noop("Your new password is set. Sign in with it."),
    Flash.CONFIRMATION_MAILED: gettext_noop(
        "A mail with a link is on its way to your address. The link works for 24 hours."
    ),
    Flash.EMAIL_CONFIRMED: gettext_noop("Your e-mail address is confirmed."),
    Flash.EMAIL_CHANGE_MAILED: gettext_noop(
        "A mail with a link is on its way to the new address. Your address changes when you use the link."
    ),
    Flash.PASSWORD_CHANGED: gettext_noop("Your password is changed."),
    Flash.MAILS_CHOSEN: gettext_noop("Your choice of mails is saved."),
    Flash.ACCOUNT_DELETED: gettext_noop(
        "Your account is deleted. You are signed out, and we mail you once more to say so."
    ),
    Flash.SESSION_ENDED: gettext_noop("That device is signed out."),
    Flash.OTHER_SESSIONS_ENDED: gettext_noop("All your other devices are signed out."),
    Flash.PASSKEY_ADDED: gettext_noop("Your passkey is added."),
    Flash.PASSKEY_RENAMED: gettext_noop("Your passkey has its new name."),
    Flash.PASSKEY_REMOVED: gettext_noop("The passkey is removed. It signs in no longer."),
    Flash.SIGN_IN_FIRST: gettext_noop("Sign in to go on. You will be taken back to where you were."),
    Flash.SIGN_IN_TO_KEEP: gettext_noop("Sign in to go on. What you typed is kept."),
    Flash.SIGN_IN_TO_BUY: gettext_noop("Sign in or create an account, and your purchase goes on."),
    Flash.SESSION_OVER_KEPT: gettext_noop(
        "Your session is over, so that nobody else uses it. Sign in again: what you typed is kept."
    ),
    Flash.SESSION_OVER: gettext_noop(
        "Your session is over, so that nobody else uses it. Sign in again to go on where you were."
    ),
    Flash.LISTED: gettext_noop("Your ticket is on sale."),
    Flash.SAVED: gettext_noop("Your changes are saved."),
    Flash.SAVED_WITHOUT_DATE: gettext_noop("Your changes are saved. The listing has no date."),
    Flash.WITHDRAWN: gettext_noop("Your ticket is withdrawn. Nobody can buy it any more."),
    Flash.RELISTED: gettext_noop("Your ticket is back on sale."),
}


_GOOD_NEWS = frozenset(
    MESSAGES[flash]
    for flash in (
        Flash.WELCOME,
        Flash.LISTED,
        Flash.SAVED,
        Flash.EMAIL_CONFIRMED,
        Flash.PASSWORD_CHANGED,
        Flash.PASSWORD_RESET,
        Flash.MAILS_CHOSEN,
        Flash.SESSION_ENDED,
        Flash.OTHER_SESSIONS_ENDED,
        Flash.PASSKEY_ADDED,
    )
)


def is_good_news(message: str) -> bool:
    """Whether `message` tells of a success, and is shown in green."""
    return message in _GOOD_NEWS


def leave(response: Response, flash: Flash, sessions: Sessions) -> None:
    """Stores the name of `flash` in the cookie, for the next page."""
    own_cookies.leave(response, sessions, COOKIE, flash, SECONDS)


def waiting(request: Request) -> str | None:
    """The text of the pending message; None without one, or for a name that is missing in `MESSAGES`."""
    name = own_cookies.left(request, COOKIE)
    return next((words for flash, words in MESSAGES.items() if flash == name), None)


def shown(response: Response, sessions: Sessions) -> None:
    """Deletes the cookie, so that the message is shown once."""
    own_cookies.take_away(response, sessions, COOKIE)
