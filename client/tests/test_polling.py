import asyncio

from client.polling import Polling


async def test_the_first_settled_answer_ends_the_wait() -> None:
    answers = iter([1, 2, 3, 4])

    async def ask() -> int:
        return next(answers)

    assert await Polling(seconds=5, every=1).until(lambda n: n == 3, ask) == 3
    assert asyncio.get_running_loop().time() == 2
    assert next(answers) == 4


async def test_when_the_time_is_over_the_last_answer_counts() -> None:
    async def ask() -> str:
        return "not yet"

    assert await Polling(seconds=2, every=0.5).until(lambda _: False, ask) == "not yet"
    assert asyncio.get_running_loop().time() == 2
