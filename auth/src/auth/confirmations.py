"""Use cases: mail a link to an address, and confirm the address by it."""

from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import User
from auth.errors import LinkInvalid
from auth.link_mails import mail_link
from auth.links import Link, LinkKind


async def request_confirmation(context: AccountContext, user: User, address: str) -> None:
    """Mails another link. Does nothing for an address that is confirmed. Raises TooManyTries."""
    if user.confirmed:
        return
    await context.repositories.mail_requests.take(user.email, address)
    await mail_link(context.repositories, LinkKind.CONFIRM, user, user.email)


async def confirm(context: AccountContext, token: str) -> User:
    """Confirms the address that the link was mailed to, or changes to it, and spends the link.

    Returns the user as changed. Raises LinkInvalid; EmailInUse where the new address got an account.
    """
    links = context.repositories.links
    link = await links.of_token(token, LinkKind.CONFIRM, LinkKind.ADDRESS_CHANGE)
    user = await context.repositories.users.of_id(link.user_id)
    if user is None or not link.is_for(user):
        raise LinkInvalid()
    await links.spend(link)
    if link.kind is LinkKind.ADDRESS_CHANGE:
        return await _change_address(context, user, link)
    confirmed = await context.repositories.users.confirm(user)
    if confirmed is None:
        raise LinkInvalid()
    return confirmed


async def _change_address(context: AccountContext, user: User, link: Link) -> User:
    change = Change.now(ChangeKind.ADDRESS, user.email.address)
    changed = await context.repositories.users.change_email(user, link.email, change)
    if changed is None:
        raise LinkInvalid()
    await follow_up(context, changed, change)
    return changed
