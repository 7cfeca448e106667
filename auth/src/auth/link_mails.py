"""Mails with a one-time link."""

from types import MappingProxyType
from urllib.parse import urlencode

from auth.domain import Email, User
from auth.links import LinkKind
from auth.mail.kinds import AddressChange, Confirm, Reset
from auth.repository import Repositories

_CONTENTS = MappingProxyType(
    {
        LinkKind.CONFIRM: ("/auth/confirm", Confirm),
        LinkKind.RESET: ("/auth/reset", Reset),
        LinkKind.ADDRESS_CHANGE: ("/auth/confirm", AddressChange),
    }
)
"""Page that a link opens, and its mail."""


async def mail_link(repositories: Repositories, kind: LinkKind, user: User, to: Email) -> None:
    """Mails a new link to the address. The user's older one of this kind stops working."""
    link = await repositories.links.issue(kind, user, to)
    page, content = _CONTENTS[kind]
    await repositories.mails.put(
        link.id,
        content(path=f"{page}?{urlencode({'token': link.token})}"),
        user_id=user.id,
        to=to.address,
        language=user.language,
        useful_until=link.ends,
    )
