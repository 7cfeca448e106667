"""Failed sign-ins: which of them count together, how many are allowed, and when a sign-in is refused."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from auth.domain import Email, Limits, Source
from auth.window_keys import key_of
from common.base.errors import TooManyTries
from common.persistence.mongo import Database
from common.persistence.windows import Limit, Windows

WINDOW = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Keys under which the failures of one sign-in are counted.

    account: The e-mail, whether or not it has a user. device: None for a device that never signed in to it.
    Each key is a hash, because the client chooses the text and its length.
    """

    account_from_address: str
    account: str
    address: str
    device: str | None

    @classmethod
    def of(cls, email: Email, source: Source) -> Self:
        return cls(
            account_from_address=key_of(email.key, source.address),
            account=key_of(email.key),
            address=key_of("address", source.address),
            device=None if source.device is None else key_of("device", source.device),
        )


class FailedSignIns:
    """Failed sign-ins, as moving windows that all processes share.

    A device that signed in to the account before has a window of its own, and no other counts against it: a
    stranger's failures, however many, don't lock it out. It can guess at that one account alone.
    Source: OWASP, "Slow Down Online Guessing Attacks with Device Cookies".
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._windows = Windows(database, "failed_sign_ins")
        self._limits = limits

    async def prepare(self) -> None:
        await self._windows.prepare()

    async def refuse_guessing(self, attempt: Attempt) -> None:
        """Raises TooManyTries where the failures before leave the attempt no try.

        Nothing is counted here, so that right passwords never are: guesses that are hashed at the same moment
        can exceed a limit by the number of hashes under way.
        """
        seconds = await self._windows.wait(self._decisive(attempt))
        if seconds:
            raise TooManyTries(seconds)

    async def add(self, attempt: Attempt) -> None:
        of_address = {attempt.address: Limit(self._limits.failed_sign_ins_per_address, WINDOW)}
        await self._windows.add(self._decisive(attempt) | of_address)

    async def forget(self, attempt: Attempt) -> None:
        """Deletes the failures of the account from this address, or on this device, after a success.

        The counts of the address and of the account remain: a guesser may have an account of his own.
        """
        await self._windows.forget(attempt.device or attempt.account_from_address)

    async def forget_account(self, attempt: Attempt) -> None:
        """Deletes also the failures of the account from anywhere: its owner proved to read its mail."""
        await self._windows.forget(attempt.account, attempt.account_from_address)

    async def refuse_passkeys(self, address: str) -> None:
        """Raises TooManyTries where passkeys of the address failed too often.

        They are counted apart from passwords, so that failed passwords never delay the owner of a passkey. A
        key can't be guessed: the limit only bounds the work.
        """
        seconds = await self._windows.wait(self._of_passkeys(address))
        if seconds:
            raise TooManyTries(seconds)

    async def add_passkey(self, address: str) -> None:
        await self._windows.add(self._of_passkeys(address))

    def _of_passkeys(self, address: str) -> dict[str, Limit]:
        return {key_of("passkeys", address): Limit(self._limits.failed_sign_ins_per_address, WINDOW)}

    def _decisive(self, attempt: Attempt) -> dict[str, Limit]:
        limits = self._limits
        if attempt.device is not None:
            return {attempt.device: Limit(limits.failed_sign_ins, WINDOW)}
        return {
            attempt.account_from_address: Limit(limits.failed_sign_ins, WINDOW),
            attempt.account: Limit(limits.failed_sign_ins_per_account, WINDOW),
            attempt.address: Limit(limits.failed_sign_ins_per_address, WINDOW),
        }
