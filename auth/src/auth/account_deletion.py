"""Use case: a user deletes the account. `deletions.py` has the write, and this what follows it."""

from datetime import timedelta

from auth.changes import Change, ChangeKind
from auth.context import AccountContext
from auth.domain import Email, Source, User
from auth.failed_sign_ins import Attempt
from auth.links import LinkKind
from auth.mail.kinds import AccountDeleted
from auth.proofs import Proof, verify
from common.base import times
from common.base.errors import Conflict

MAILED_WITHIN = timedelta(hours=24)
"""So long the outbox has the address of a deleted user, at most: then the notice is deleted unsent."""
IN_FLIGHT = timedelta(minutes=1)
"""Longer than a request takes that read the user before the deletion."""
HELP_PAGE = "/help"


async def delete(context: AccountContext, user: User, proof: Proof, source: Source, session_id: str) -> None:
    """Deletes the account for good. Raises as `verify` does; Conflict where the account changed meanwhile."""
    await verify(context, user, proof, source, session_id)
    change = Change.now(ChangeKind.DELETED, user.email.address, language=user.language)
    if not await context.deletions.delete(user, change):
        raise Conflict()
    await forget_email(context, user.email, source)
    await follow_up(context, user, change)


async def forget_email(context: AccountContext, email: Email, source: Source) -> None:
    """Deletes the counts, and the request for a link, that are stored under the e-mail.

    After a crash before it, they end by themselves, within an hour.
    """
    repositories = context.repositories
    await repositories.failures.forget_account(Attempt.of(email, source))
    await repositories.mail_requests.forget(email, source.address)
    await repositories.reset_requests.forget(email)


async def follow_up(context: AccountContext, user: User, change: Change) -> None:
    """Ends the sessions, and erases what names the person beside the user's document. Idempotent.

    It is done at once, and again by the sweep: a request that had read the user before the deletion may have
    stored a session, a link or a mail after the first time.
    """
    repositories = context.repositories
    await context.sessions.end_sessions(user.id)
    await context.sessions.forget_origins(user.id)
    await repositories.links.revoke(user.id, *LinkKind)
    notice_id = f"{AccountDeleted.kind.value}:{change.id}"
    await repositories.mails.erase(user.id, but=notice_id)
    if change.to:
        await repositories.mails.put(
            notice_id,
            AccountDeleted(path=HELP_PAGE, at=change.at),
            user_id=user.id,
            to=change.to,
            language=change.language,
            useful_until=change.at + MAILED_WITHIN,
        )
        await context.deletions.forget_address(user.id, change)
    if times.now() - change.at >= IN_FLIGHT:
        await repositories.users.finish(user, change)
