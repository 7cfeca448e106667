"""What follows a change of an account: sessions end, and its owner is told by mail."""

import asyncio

from auth import account_deletion
from auth.changes import Change, ChangeKind
from auth.context import AccountContext
from auth.domain import User
from auth.links import LinkKind
from auth.mail.kinds import AddressChanged, Notice, PasskeyAdded, PasskeyRemoved, PasswordChanged
from common.base import jobs

SWEEP_SECONDS = 30.0
HELP_PAGE = "/auth/forgot"
"""Where a user goes who did not make the change."""


async def follow_up(context: AccountContext, user: User, change: Change) -> None:
    """Does what the change asks for. Idempotent: a process may have ended in the middle of it."""
    if change.kind is ChangeKind.DELETED:
        await account_deletion.follow_up(context, user, change)
        return
    if change.kind is ChangeKind.PASSWORD:
        await context.sessions.end_sessions(user.id, but=change.but)
    if change.kind in (ChangeKind.PASSWORD, ChangeKind.ADDRESS):
        # No decision relies on it (`Link.is_for`): what is over need not be kept.
        await context.repositories.links.revoke(user.id, *LinkKind)
    notice = _notice(change)
    await context.repositories.mails.put(
        f"{notice.kind.value}:{change.id}", notice, user_id=user.id, to=change.to, language=user.language
    )
    await context.repositories.users.finish(user, change)


def _notice(change: Change) -> Notice:
    match change.kind:
        case ChangeKind.PASSWORD:
            return PasswordChanged(path=HELP_PAGE, at=change.at)
        case ChangeKind.ADDRESS:
            return AddressChanged(path=HELP_PAGE, at=change.at)
        case ChangeKind.PASSKEY_ADDED:
            return PasskeyAdded(path=HELP_PAGE, at=change.at, name=change.name)
        case ChangeKind.PASSKEY_REMOVED:
            return PasskeyRemoved(path=HELP_PAGE, at=change.at, name=change.name)
        case ChangeKind.DELETED:
            raise TypeError("a deletion has a notice of its own")


async def sweep(context: AccountContext) -> None:
    """Follows up, for ever, the changes of processes that ended before they did."""
    while True:
        for user, change in await context.repositories.users.unfinished():
            await follow_up(context, user, change)
        jobs.succeeded("account_changes")
        await asyncio.sleep(SWEEP_SECONDS)
