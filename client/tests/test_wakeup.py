"""Waiter of one page: the ends of a wait, also two in one turn of the loop."""

import asyncio
import logging

import pytest
from starlette.types import Message
from tests.open_page import silence
from tests.virtual_clock import just_after

from client.live.wakeup import Waiter, Wakeup, notify_all

SECONDS = 15.0


async def disconnect() -> Message:
    return {"type": "http.disconnect"}


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_a_wait_ends_after_its_time() -> None:
    assert await Waiter().wait(silence, SECONDS) is Wakeup.TIMED_OUT
    assert now() == SECONDS


async def test_a_wait_ends_as_the_browser_disconnects() -> None:
    assert await Waiter().wait(disconnect, SECONDS) is Wakeup.DISCONNECTED


async def test_a_notification_ends_a_wait_at_once() -> None:
    waiter = Waiter()
    asyncio.get_running_loop().call_later(1, waiter.notify)

    assert await waiter.wait(silence, SECONDS) is Wakeup.NOTIFIED
    assert now() == 1


async def test_two_notifications_at_once_are_one() -> None:
    waiter = Waiter()
    for _ in range(2):
        asyncio.get_running_loop().call_later(1, waiter.notify)

    assert await waiter.wait(silence, SECONDS) is Wakeup.NOTIFIED
    assert await waiter.wait(silence, SECONDS) is Wakeup.TIMED_OUT


async def test_a_notification_between_two_waits_ends_none() -> None:
    waiter = Waiter()
    waiter.notify()

    assert await waiter.wait(silence, SECONDS) is Wakeup.TIMED_OUT


async def test_a_notification_in_the_turn_in_which_the_time_is_over_counts() -> None:
    waiter, failures = Waiter(), list[BaseException]()

    def notify() -> None:
        try:
            waiter.notify()
        except RuntimeError as error:
            failures.append(error)

    just_after(SECONDS, notify)

    assert await waiter.wait(silence, SECONDS) is Wakeup.NOTIFIED
    assert failures == []
    assert await waiter.wait(silence, SECONDS) is Wakeup.TIMED_OUT


async def test_a_page_that_is_cancelled_while_it_is_notified_stays_cancelled() -> None:
    waiter = Waiter()
    page = asyncio.create_task(waiter.wait(silence, SECONDS))
    await asyncio.sleep(1)
    waiter.notify()
    page.cancel()

    with pytest.raises(asyncio.CancelledError):
        await page


class Broken(Waiter):
    def notify(self) -> None:
        raise RuntimeError("broken")


async def test_the_failure_of_one_notification_is_logged_and_the_others_are_sent(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, last = Waiter(), Waiter()
    asyncio.get_running_loop().call_later(1, notify_all, [first, Broken(), last])

    wakeups = await asyncio.gather(first.wait(silence, SECONDS), last.wait(silence, SECONDS))

    assert list(wakeups) == [Wakeup.NOTIFIED, Wakeup.NOTIFIED]
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
