from unittest.mock import Mock

from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from auth.passwords import Passwords, argon2id


async def test_a_hash_is_argon2id_at_the_recommended_cost() -> None:
    parameters = extract_parameters(await Passwords(argon2id()).hash("correct horse"))

    assert parameters.type is Type.ID
    assert (parameters.memory_cost, parameters.time_cost, parameters.parallelism) == (19 * 1024, 2, 1)


async def test_a_password_matches_only_its_own_hash(hasher: Mock) -> None:
    passwords = Passwords(hasher)
    stored = await passwords.hash("correct horse")

    assert await passwords.match(stored, "correct horse")
    assert not await passwords.match(stored, "correct house")


async def test_a_password_matches_however_a_keyboard_composes_it(hasher: Mock) -> None:
    passwords = Passwords(hasher)

    assert await passwords.match(await passwords.hash("pässwörd"), "pa\u0308sswo\u0308rd")


async def test_a_missing_hash_costs_the_same_work_and_never_matches(hasher: Mock) -> None:
    passwords = Passwords(hasher)

    assert not await passwords.match(None, "correct horse")
    assert hasher.verify.call_count == 1


def test_a_hash_of_other_parameters_is_weaker(hasher: Mock) -> None:
    passwords = Passwords(hasher)

    assert passwords.are_weaker(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))
    assert not passwords.are_weaker(hasher.hash("x"))
