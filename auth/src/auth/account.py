"""Use cases of a signed-in user: change the password or the address. Each asks for a proof."""

from auth import new_passwords
from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import Email, Source, User
from auth.hash_queue import Purpose
from auth.link_mails import mail_link
from auth.links import LinkKind
from auth.proofs import Proof, verify
from common.base.errors import Conflict, ErrorEntry, Invalid, InvalidValue


def check(password: str, user: User) -> None:
    """Raises Invalid for a password that is like the user's e-mail."""
    try:
        new_passwords.check(password, user.email)
    except InvalidValue as error:
        raise Invalid([ErrorEntry(error.message, error.code, "password")]) from None


async def change_password(
    context: AccountContext, user: User, proof: Proof, password: str, source: Source, session_id: str
) -> User:
    """Changes the password and ends the user's other sessions. Returns the user as changed.

    Raises as `verify` does; Busy; Conflict where the password changed meanwhile.
    """
    await verify(context, user, proof, source, session_id)
    async with context.hashing.turn(Purpose.SIGN_IN, source.address) as passwords:
        password_hash = await passwords.hash(password)
    change = Change.now(ChangeKind.PASSWORD, user.email.address, but=session_id)
    changed = await context.repositories.users.change_password(user, password_hash, change)
    if changed is None:
        raise Conflict()
    await follow_up(context, changed, change)
    return changed


async def request_address_change(
    context: AccountContext, user: User, email: Email, proof: Proof, source: Source, session_id: str
) -> None:
    """Mails a link to the new address, which alone decides whether it becomes the user's.

    Whether the address has an account already is not looked up: only its reader may learn that. Raises
    as `verify` does.
    """
    await verify(context, user, proof, source, session_id)
    await context.repositories.mail_requests.take(email, source.address)
    await mail_link(context.repositories, LinkKind.ADDRESS_CHANGE, user, email)
