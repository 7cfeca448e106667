"""Use cases: sign up, sign in."""

from datetime import timedelta

from auth.domain import Email, User, whole_seconds
from auth.errors import InvalidCredentials, SignedUpBefore
from auth.passwords import HashQueue
from auth.repository import Attempt, FailedSignIns, Repositories
from common.base.creation import Creation
from common.base.errors import KeyReused, TooManyTries


async def sign_up(
    repositories: Repositories,
    hashing: HashQueue,
    email: Email,
    password: str,
    address: str,
    creation: Creation | None = None,
) -> User:
    """Creates and stores the user. Raises EmailInUse, or Busy if the hash queue is full.

    A sign-up that was sent before, by the key of its creation, is a sign-in of its user: a key is no secret
    that a password would be, so guesses with it are counted and limited. Raises KeyReused for another e-mail
    or password than then, and TooManyTries.
    """
    async with hashing.turn() as passwords:
        user = User.register(email, await passwords.hash(password))
    try:
        await repositories.users.add(user, creation)
    except SignedUpBefore:
        try:
            return await sign_in(repositories, hashing, email, password, address)
        except InvalidCredentials:
            raise KeyReused() from None
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
