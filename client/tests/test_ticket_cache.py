"""Newest state of one ticket: the requests behind it, and the pages that it wakes."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.fake_apis import Ticket as ApiTicket
from tests.open_page import silence
from tests.virtual_clock import just_before

from client.live.ticket_cache import LiveTicket
from client.live.wakeup import Waiter, Wakeup
from client.schemas import Ticket
from common.base.ids import new_id
from common.base.money import Money

HEARTBEAT = 15.0


def ticket(version: int) -> Ticket:
    return Ticket.model_validate(ApiTicket("Opera", Money.parse("20"), new_id(), version=version).json())


class Api:
    """Tickets API whose responses a test sends one by one."""

    def __init__(self) -> None:
        self.asked = 0
        self._requests = asyncio.Queue[asyncio.Future[Ticket]]()

    async def ask(self) -> Ticket:
        self.asked += 1
        response = asyncio.Future[Ticket]()
        self._requests.put_nowait(response)
        return await response

    async def next_request(self) -> asyncio.Future[Ticket]:
        """Waits for the next request. Its response is the result of the future."""
        async with asyncio.timeout(1):
            return await self._requests.get()


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def live_ticket() -> LiveTicket:
    return LiveTicket(new_id(), asyncio.Semaphore(8))


async def woken(
    live_ticket: LiveTicket, ask: Callable[[], Awaitable[Ticket]], seconds: float
) -> tuple[Wakeup, float]:
    """Waits as a page does. Returns the wakeup and the seconds until it came."""
    waiter, loop = Waiter(), asyncio.get_running_loop()
    live_ticket.pages[waiter] = ask
    began = loop.time()
    return await waiter.wait(silence, seconds), loop.time() - began


async def test_a_change_in_the_turn_of_one_pages_heartbeat_wakes_all_pages(
    api: Api, live_ticket: LiveTicket
) -> None:
    live_ticket.ticket = ticket(1)
    first = asyncio.create_task(woken(live_ticket, api.ask, HEARTBEAT))
    others = [asyncio.create_task(woken(live_ticket, api.ask, 2 * HEARTBEAT)) for _ in range(2)]
    await asyncio.sleep(0)
    live_ticket.changed(2)
    request = await api.next_request()
    # So the response is processed after the heartbeat's timer, and before the page has left its wait.
    just_before(HEARTBEAT, lambda: request.set_result(ticket(2)))

    wakeups = await asyncio.gather(first, *others)

    assert [wakeup for wakeup, _ in wakeups] == [Wakeup.NOTIFIED] * 3
    assert [seconds for _, seconds in wakeups] == pytest.approx([HEARTBEAT] * 3)


async def test_a_page_that_is_newer_than_the_request_under_way_is_given_a_second_one(
    api: Api, live_ticket: LiveTicket
) -> None:
    """The request may have been sent before the version that the page shows was written."""
    live_ticket.pages[Waiter()] = api.ask
    early = asyncio.create_task(live_ticket.current(0, is_followed=True))
    request = await api.next_request()
    late = asyncio.create_task(live_ticket.current(1, is_followed=True))
    await asyncio.sleep(0)
    request.set_result(ticket(0))
    assert (await early).version == 0

    (await api.next_request()).set_result(ticket(1))

    assert (await late).version == 1


async def test_a_version_that_the_api_does_not_have_costs_two_requests(
    api: Api, live_ticket: LiveTicket
) -> None:
    live_ticket.pages[Waiter()] = api.ask
    page = asyncio.create_task(live_ticket.current(7, is_followed=True))
    for _ in range(2):
        (await api.next_request()).set_result(ticket(0))

    assert (await page).version == 0
    assert api.asked == 2
