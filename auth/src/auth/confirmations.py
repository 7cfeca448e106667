"""Use cases: mail a link to an address, and confirm the address by it."""

from urllib.parse import urlencode

from auth.changes import Change, ChangeKind
from auth.consequences import follow_up
from auth.context import AccountContext
from auth.domain import Email, User
from auth.errors import LinkInvalid
from auth.links import Link, LinkKind
from auth.mail.kinds import AddressChange, Confirm
from auth.repository import Repositories

CONFIRM_PAGE = "/auth/confirm"


async def send_confirmation(repositories: Repositories, user: User) -> None:
    """Mails a link to the user's address. An older one stops working."""
    link = await repositories.links.issue(LinkKind.CONFIRM, user.id, user.email)
    content = Confirm(path=f"{CONFIRM_PAGE}?{urlencode({'token': link.token})}")
    await repositories.mails.put(
        link.id,
        content,
        user_id=user.id,
        to=user.email.address,
        language=user.language,
        useful_until=link.ends,
    )


async def request_confirmation(context: AccountContext, user: User, address: str) -> None:
    """Mails another link. Does nothing for an address that is confirmed. Raises TooManyTries."""
    if user.confirmed:
        return
    await context.repositories.mail_requests.take(user.email, address)
    await send_confirmation(context.repositories, user)


async def send_address_change(context: AccountContext, user: User, email: Email) -> None:
    """Mails a link to the new address, which alone decides whether it becomes the user's.

    Whether the address has an account already is not looked up here: only its reader may learn that.
    """
    link = await context.repositories.links.issue(LinkKind.ADDRESS_CHANGE, user.id, email)
    content = AddressChange(path=f"{CONFIRM_PAGE}?{urlencode({'token': link.token})}")
    await context.repositories.mails.put(
        link.id,
        content,
        user_id=user.id,
        to=email.address,
        language=user.language,
        useful_until=link.ends,
    )


async def confirm(context: AccountContext, token: str) -> User:
    """Confirms the address that the link was mailed to, or changes to it, and spends the link.

    Returns the user as changed. Raises LinkInvalid; EmailInUse where the new address got an account.
    """
    links = context.repositories.links
    link = await links.of_token(token, LinkKind.CONFIRM, LinkKind.ADDRESS_CHANGE)
    await links.spend(link)
    if link.kind is LinkKind.ADDRESS_CHANGE:
        return await _change_address(context, link)
    user = await context.repositories.users.confirm(link.user_id, link.email)
    if user is None:
        raise LinkInvalid()
    return user


async def _change_address(context: AccountContext, link: Link) -> User:
    users = context.repositories.users
    user = await users.of_id(link.user_id)
    if user is None:
        raise LinkInvalid()
    change = Change.now(ChangeKind.ADDRESS, user.email.address)
    changed = await users.change_email(user, link.email, change)
    if changed is None:
        raise LinkInvalid()
    # Links that were mailed to the old address prove nothing about the new one.
    await context.repositories.links.revoke(user.id, LinkKind.RESET, LinkKind.CONFIRM)
    await follow_up(context, changed, change)
    return changed
