"""Use cases: sign up, sign in."""

from datetime import timedelta

from auth.domain import Email, User, whole_seconds
from auth.errors import InvalidCredentials
from auth.passwords import HashQueue
from auth.repository import Attempt, FailedSignIns, Repositories, UserRepository
from common.base.errors import TooManyTries


async def sign_up(users: UserRepository, hashing: HashQueue, email: Email, password: str) -> User:
    """Creates and stores the user. Raises EmailInUse, or Busy if the hash queue is full."""
    async with hashing.turn() as passwords:
        user = User.register(email, await passwords.hash(password))
    await users.add(user)
    return user


async def sign_in(
    repositories: Repositories, hashing: HashQueue, email: Email, password: str, address: str
) -> User:
    """Returns the user of the e-mail and the password.

    Raises InvalidCredentials; TooManyTries, before any password is hashed; Busy if the hash queue is full.
    Only failures count as tries.
    """
    attempt = Attempt.of(email, address)
    await _refuse_guessing(repositories.failures, attempt)
    user = await repositories.users.of_email(email)
    async with hashing.turn() as passwords:
        # A second check, after the wait for the turn: many guesses may be sent at the same moment, and
        # earlier ones may have failed during the wait.
        await _refuse_guessing(repositories.failures, attempt)
        matches = await passwords.match(user.password_hash if user else None, password)
        if user is None or not matches:
            await repositories.failures.add(attempt)
            raise InvalidCredentials()
        if passwords.are_weaker(user.password_hash):
            await repositories.users.replace_hash(user, await passwords.hash(password))
    await repositories.failures.forget(attempt)
    return user


async def _refuse_guessing(failures: FailedSignIns, attempt: Attempt) -> None:
    wait = await failures.wait(attempt)
    if wait > timedelta(0):
        raise TooManyTries(whole_seconds(wait))
