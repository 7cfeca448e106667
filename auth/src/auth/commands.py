"""Use cases: sign up, sign in."""

from auth.domain import Email, Source, User
from auth.errors import Busy, InvalidCredentials, SignedUpBefore
from auth.failed_sign_ins import Attempt
from auth.hash_queue import HashQueue, Purpose
from auth.link_mails import mail_link
from auth.links import LinkKind
from auth.repository import Repositories
from common.base.creation import Creation
from common.base.errors import KeyReused


async def sign_up(
    repositories: Repositories,
    hashing: HashQueue,
    email: Email,
    password: str,
    source: Source,
    creation: Creation | None = None,
) -> User:
    """Creates and stores the user. Raises EmailInUse, TooManySignUps, or Busy if the hash queue is full.

    A sign-up that was sent before, by the key of its creation, is a sign-in of its user: a key is no secret
    that a password would be, so guesses with it are counted and limited. Raises KeyReused for another e-mail
    or password than then, and TooManyTries.
    """
    if await repositories.users.is_sent_again(creation):
        return await _sent_again(repositories, hashing, email, password, source)
    await repositories.sign_ups.take(source.address)
    try:
        async with hashing.turn(Purpose.SIGN_UP, source.address) as passwords:
            user = User.register(email, await passwords.hash(password), source.language)
    except Busy:
        await repositories.sign_ups.give_back(source.address)
        raise
    try:
        await repositories.users.add(user, creation)
    except SignedUpBefore:
        return await _sent_again(repositories, hashing, email, password, source)
    await mail_link(repositories, LinkKind.CONFIRM, user, user.email)
    return user


async def _sent_again(
    repositories: Repositories, hashing: HashQueue, email: Email, password: str, source: Source
) -> User:
    try:
        return await sign_in(repositories, hashing, email, password, source)
    except InvalidCredentials:
        raise KeyReused() from None


async def sign_in(
    repositories: Repositories, hashing: HashQueue, email: Email, password: str, source: Source
) -> User:
    """Returns the user of the e-mail and the password. Its mails are in the page's language from then on.

    Raises InvalidCredentials; TooManyTries, before any password is hashed; Busy if the hash queue is full.
    Only failures count as tries.
    """
    attempt = Attempt.of(email, source)
    await repositories.failures.refuse_guessing(attempt)
    user = await repositories.users.of_email(email)
    async with hashing.turn(Purpose.SIGN_IN, source.address) as passwords:
        # A second check, after the wait for the turn: many guesses may be sent at the same moment, and
        # earlier ones may have failed during the wait.
        await repositories.failures.refuse_guessing(attempt)
        matches = await passwords.match(user.password_hash if user else None, password)
        if user is None or not matches:
            await repositories.failures.add(attempt)
            raise InvalidCredentials()
        if passwords.are_weaker(user.password_hash):
            await repositories.users.replace_hash(user, await passwords.hash(password))
    await repositories.failures.forget(attempt)
    if source.language not in ("", user.language):
        await repositories.users.set_language(user, source.language)
    return user
