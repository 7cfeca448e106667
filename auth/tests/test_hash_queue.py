"""Turns at hashing: bounded, fair to addresses, and never all taken by sign-ups. Work ends by hand."""

import asyncio
from unittest.mock import Mock

import pytest

from auth.errors import Busy
from auth.hash_queue import HashQueue, Purpose
from auth.passwords import Passwords

SIGN_IN, SIGN_UP = Purpose.SIGN_IN, Purpose.SIGN_UP
HERE, THERE, ELSEWHERE = "192.0.2.1", "192.0.2.2", "192.0.2.3"


class Work:
    """Requests that hash until the test ends each, with a log of the order in which their turns began."""

    def __init__(self, hasher: Mock, concurrency: int = 2, max_waiting: int = 200) -> None:
        self.queue = HashQueue(Passwords(hasher), concurrency, max_waiting)
        self.begun: list[str] = []
        self.running: dict[str, asyncio.Event] = {}
        self._names = 0

    async def send(self, count: int, purpose: Purpose, address: str) -> list[asyncio.Task[None]]:
        tasks = [asyncio.create_task(self._hash(purpose, address)) for _ in range(count)]
        await self.settle()
        return tasks

    async def end(self, name: str) -> None:
        self.running.pop(name).set()
        await self.settle()

    async def end_all(self) -> None:
        while self.running:
            await self.end(next(iter(self.running)))

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def _hash(self, purpose: Purpose, address: str) -> None:
        async with self.queue.turn(purpose, address):
            self._names += 1
            name = f"{purpose.name} {address} {self._names}"
            ended = self.running[name] = asyncio.Event()
            self.begun.append(f"{purpose.name} {address}")
            await ended.wait()


def outcomes(tasks: list[asyncio.Task[None]]) -> list[BaseException | None]:
    return [task.exception() for task in tasks if task.done()]


async def test_turns_and_the_queue_are_bounded(hasher: Mock) -> None:
    work = Work(hasher, concurrency=2, max_waiting=3)
    tasks = await work.send(6, SIGN_IN, HERE)

    assert len(work.running) == 2
    (refusal,) = outcomes(tasks)
    assert isinstance(refusal, Busy)
    assert refusal.status == 503

    await work.end_all()
    assert len(work.begun) == 5


async def test_a_sign_in_begins_at_once_while_sign_ups_of_one_address_wait(hasher: Mock) -> None:
    work = Work(hasher)
    refused = await work.send(230, SIGN_UP, HERE)
    await work.send(1, SIGN_IN, HERE)

    assert work.begun == [f"SIGN_UP {HERE}", f"SIGN_IN {HERE}"]
    assert len(outcomes(refused)) == 29


async def test_a_flood_of_one_address_delays_another_by_a_turn(hasher: Mock) -> None:
    work = Work(hasher)
    await work.send(150, SIGN_IN, HERE)
    await work.send(2, SIGN_IN, THERE)
    await work.send(1, SIGN_IN, ELSEWHERE)
    for _ in range(5):
        await work.end(next(iter(work.running)))

    order = [begun.removeprefix("SIGN_IN ") for begun in work.begun]
    assert order == [HERE, HERE, HERE, THERE, ELSEWHERE, HERE, THERE]


async def test_sign_ins_and_sign_ups_that_wait_have_turns_alternately(hasher: Mock) -> None:
    work = Work(hasher)
    await work.send(20, SIGN_IN, HERE)
    await work.send(20, SIGN_UP, THERE)
    for _ in range(8):
        await work.end(next(iter(work.running)))

    assert 4 <= sum(begun.startswith("SIGN_UP") for begun in work.begun[2:]) <= 5


async def test_in_a_full_queue_the_address_with_the_most_makes_room(hasher: Mock) -> None:
    work = Work(hasher, concurrency=1, max_waiting=4)
    (flood, others) = (await work.send(5, SIGN_IN, HERE), await work.send(1, SIGN_IN, THERE))
    assert len(outcomes(flood)) == 1
    assert outcomes(others) == []

    others += await work.send(2, SIGN_IN, THERE)

    # Two places each: neither address displaces the other further.
    assert len(outcomes(flood)) == 2
    assert len(outcomes(others)) == 1
    await work.end_all()
    assert sorted(work.begun) == [f"SIGN_IN {HERE}"] * 3 + [f"SIGN_IN {THERE}"] * 2


async def test_one_turn_in_all_serves_both(hasher: Mock) -> None:
    work = Work(hasher, concurrency=1)
    await work.send(1, SIGN_UP, HERE)
    await work.send(1, SIGN_IN, HERE)
    assert work.begun == [f"SIGN_UP {HERE}"]

    await work.end_all()
    assert work.begun == [f"SIGN_UP {HERE}", f"SIGN_IN {HERE}"]


async def test_of_three_turns_sign_ups_have_two(hasher: Mock) -> None:
    work = Work(hasher, concurrency=3)
    await work.send(4, SIGN_UP, HERE)
    assert len(work.running) == 2

    await work.send(1, SIGN_IN, HERE)
    assert work.begun[-1] == f"SIGN_IN {HERE}"
    await work.end_all()


async def test_a_cancelled_waiter_leaves_the_queue(hasher: Mock) -> None:
    work = Work(hasher, concurrency=1, max_waiting=1)
    _, waiting = await work.send(2, SIGN_IN, HERE)
    waiting.cancel()
    await work.settle()

    another = await work.send(1, SIGN_IN, HERE)

    assert outcomes(another) == []
    await work.end_all()
    assert len(work.begun) == 2


async def test_a_turn_that_came_to_a_cancelled_request_goes_to_the_next(hasher: Mock) -> None:
    work = Work(hasher, concurrency=1)
    first, second, _ = await work.send(3, SIGN_IN, HERE)
    work.running.popitem()[1].set()
    # One step: the first request ends and grants its turn to the second, which begins in the step after.
    await asyncio.sleep(0)
    assert first.done()
    second.cancel()
    await work.settle()

    assert second.cancelled()
    assert len(work.running) == 1


async def test_a_failure_within_a_turn_frees_it(hasher: Mock) -> None:
    queue = HashQueue(Passwords(hasher), concurrency=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            async with queue.turn(SIGN_UP, HERE):
                raise ZeroDivisionError
