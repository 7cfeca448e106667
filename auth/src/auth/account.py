"""Use cases of a signed-in user: change the password or the address. Each asks for the password."""

from auth import new_passwords
from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import Email, Source, User
from auth.errors import WrongPassword
from auth.failed_sign_ins import Attempt
from auth.hash_queue import Purpose
from auth.link_mails import mail_link
from auth.links import LinkKind
from common.base.errors import Conflict, ErrorEntry, Invalid, InvalidValue


def check(password: str, user: User) -> None:
    """Raises Invalid for a password that is like the user's e-mail."""
    try:
        new_passwords.check(password, user.email)
    except InvalidValue as error:
        raise Invalid([ErrorEntry(error.message, error.code, "password")]) from None


async def change_password(
    context: AccountContext, user: User, current: str, password: str, source: Source, session_id: str
) -> User:
    """Changes the password and ends the user's other sessions. Returns the user as changed.

    Raises WrongPassword, TooManyTries, Busy; Conflict where the password changed meanwhile.
    """
    await _verify(context, user, current, source, "current")
    async with context.hashing.turn(Purpose.SIGN_IN, source.address) as passwords:
        password_hash = await passwords.hash(password)
    change = Change.now(ChangeKind.PASSWORD, user.email.address, but=session_id)
    changed = await context.repositories.users.change_password(user, password_hash, change)
    if changed is None:
        raise Conflict()
    await follow_up(context, changed, change)
    return changed


async def request_address_change(
    context: AccountContext, user: User, email: Email, password: str, source: Source
) -> None:
    """Mails a link to the new address, which alone decides whether it becomes the user's.

    Whether the address has an account already is not looked up: only its reader may learn that. Raises
    WrongPassword, TooManyTries, Busy.
    """
    await _verify(context, user, password, source, "password")
    await context.repositories.mail_requests.take(email, source.address)
    await mail_link(context.repositories, LinkKind.ADDRESS_CHANGE, user, email)


async def _verify(context: AccountContext, user: User, password: str, source: Source, field: str) -> None:
    """Counts a wrong password as a failed sign-in: a stolen session is no way to guess it."""
    failures, attempt = context.repositories.failures, Attempt.of(user.email, source)
    await failures.refuse_guessing(attempt)
    async with context.hashing.turn(Purpose.SIGN_IN, source.address) as passwords:
        await failures.refuse_guessing(attempt)
        if not await passwords.match(user.password_hash, password):
            await failures.add(attempt)
            raise WrongPassword(field)
    await failures.forget(attempt)
