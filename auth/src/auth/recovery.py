"""Use cases of a user who forgot the password: ask for a link, and set another password by it."""

import asyncio

from auth.account import check
from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import Email, Source, User
from auth.errors import LinkInvalid
from auth.failed_sign_ins import Attempt
from auth.hash_queue import Purpose
from auth.link_mails import mail_link
from auth.links import LinkKind
from common.base import jobs

IDLE_SECONDS = 1.0


async def request_reset(context: AccountContext, email: Email, address: str) -> None:
    """Asks for a link, for an address with or without an account alike. Raises TooManyTries."""
    await context.repositories.mail_requests.take(email, address)
    await context.repositories.reset_requests.put(email)


async def work_off(context: AccountContext) -> None:
    """Mails the links that were asked for, for ever."""
    while True:
        while await work_off_one(context):
            pass
        jobs.succeeded("reset_requests")
        await asyncio.sleep(IDLE_SECONDS)


async def work_off_one(context: AccountContext) -> bool:
    """Mails one link, or none to an address without an account. False where no request is due."""
    requests = context.repositories.reset_requests
    request = await requests.lease()
    if request is None:
        return False
    user = await context.repositories.users.of_email(request.email)
    if user is not None:
        await mail_link(context.repositories, LinkKind.RESET, user, user.email)
    await requests.done(request)
    return True


async def reset(context: AccountContext, token: str, password: str, source: Source) -> User:
    """Sets another password by a link, ends every session, and clears the account's failed sign-ins.

    The address counts as confirmed: the link was read there. Raises LinkInvalid; Invalid for a password
    that is like the e-mail, which does not spend the link; Busy.
    """
    repositories = context.repositories
    link = await repositories.links.of_token(token, LinkKind.RESET)
    user = await repositories.users.of_id(link.user_id)
    if user is None or not link.is_for(user):
        raise LinkInvalid()
    check(password, user)
    async with context.hashing.turn(Purpose.SIGN_UP, source.address) as passwords:
        password_hash = await passwords.hash(password)
    await repositories.links.spend(link)
    change = Change.now(ChangeKind.PASSWORD, user.email.address)
    changed = await repositories.users.reset_password(user, password_hash, change)
    if changed is None:
        raise LinkInvalid()
    await repositories.failures.forget_account(Attempt.of(user.email, source))
    await follow_up(context, changed, change)
    return changed
