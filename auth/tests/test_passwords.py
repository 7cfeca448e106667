import asyncio
from unittest.mock import Mock

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from auth.errors import Busy
from auth.passwords import HashQueue, Passwords, argon2id


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


async def test_turns_and_the_queue_are_bounded(hasher: Mock) -> None:
    queue = HashQueue(Passwords(hasher), concurrency=2, max_waiting=3)
    go, inside, most = asyncio.Event(), 0, 0

    async def work() -> None:
        nonlocal inside, most
        async with queue.turn():
            inside += 1
            most = max(most, inside)
            await go.wait()
            inside -= 1

    tasks = [asyncio.create_task(work()) for _ in range(2)]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(work()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Busy) as refusal:
        await asyncio.wait_for(work(), 1)
    assert refusal.value.status == 503
    go.set()
    await asyncio.gather(*tasks)
    async with queue.turn():
        assert most == 2


async def test_a_cancelled_waiter_leaves_the_queue(hasher: Mock) -> None:
    queue = HashQueue(Passwords(hasher), concurrency=1, max_waiting=1)
    async with queue.turn():
        waiting = asyncio.create_task(queue.turn().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        another = asyncio.create_task(queue.turn().__aenter__())
        await asyncio.sleep(0)

        assert not another.done()
    await another
