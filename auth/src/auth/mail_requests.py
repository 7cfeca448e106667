"""Requests for a mail with a link: how many an address, and an account, may make."""

from datetime import timedelta

from auth.domain import Email, Limits
from auth.window_keys import key_of
from common.base.errors import TooManyTries
from common.persistence.mongo import Database
from common.persistence.windows import Limit, Windows

HOUR = timedelta(hours=1)


class MailRequests:
    """Requests of an hour, as moving windows that all processes share.

    They count alike whether or not the e-mail has an account: a refusal says nothing about it.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._windows = Windows(database, "mail_requests")
        self._limits = limits

    async def prepare(self) -> None:
        await self._windows.prepare()

    async def take(self, email: Email, address: str) -> None:
        """Counts a request. Raises TooManyTries, and counts none, where one of the limits is met.

        The limit of an e-mail from one address is the lowest: a stranger alone can't use up what the
        account's owner may ask for from elsewhere.
        """
        counted: list[str] = []
        for key, limit in self._decisive(email, address):
            seconds = await self._windows.take(key, limit)
            if seconds is not None:
                for each in counted:
                    await self._windows.give_back(each)
                raise TooManyTries(seconds)
            counted.append(key)

    async def forget(self, email: Email, address: str) -> None:
        """Deletes the counts of the e-mail: from this address, and from all together."""
        await self._windows.forget(key_of("both", email.key, address), key_of("account", email.key))

    def _decisive(self, email: Email, address: str) -> list[tuple[str, Limit]]:
        limits = self._limits
        return [
            (key_of("address", address), Limit(limits.mail_requests_per_address, HOUR)),
            (key_of("both", email.key, address), Limit(limits.mail_requests, HOUR)),
            (key_of("account", email.key), Limit(limits.mail_requests_per_account, HOUR)),
        ]
